# host.sh NAME FS KEPT: the first process of a host, in fresh namespaces. FS keeps the host's files, KEPT is the folder
# of all of them, and stays visible under its own path.
name=$1 fs=$2 kept=$3

mount --make-rprivate /
hostname "$name"
resolv=$(cat /etc/resolv.conf 2>/dev/null || true)

# Copies of the machine's mounts would keep alive what it wants to be rid of: other people's network namespaces.
awk '$2 ~ "^/run(/|$)|^/(etc|opt|var)/" || $3 == "nsfs" { print $2 }' /proc/self/mounts | tac | while read -r each; do
  # Removing a mount point takes the mount along, in all namespaces: it may be gone meanwhile.
  umount -l "$each" || ! grep -qF " $each " /proc/self/mounts
done

# A folder of the machine with what the host writes laid over it.
cd "$kept"
for each in etc opt var; do
  mkdir -p "$fs/over/$each" "$fs/work/$each"
  mount -t overlay -o "lowerdir=/$each,upperdir=$fs/over/$each,workdir=$fs/work/$each" overlay "/$each"
done
case $kept/ in
  # The overlay shows what was there at the start; -c: "." is to be the real folder, not its path.
  /etc/* | /opt/* | /var/*) mount -c --rbind . "$kept" ;;
esac
mount --bind "$fs/run" /run

# Real folders, empty at first: containers can be laid over these, and an installed OVN's or CNI's files aren't there.
for each in /etc/cni/net.d /etc/docker /etc/kubernetes /etc/openvswitch /etc/ovn /opt/cni/bin /var/lib/cni \
  /var/lib/containerd /var/lib/docker /var/lib/kubelet /var/lib/openvswitch /var/lib/ovn /var/log; do
  mkdir -p "$each" "$fs/own$each"
  mount --bind "$fs/own$each" "$each"
done
mkdir -p /run/sandbox /run/netns /run/openvswitch /run/ovn /run/lock /run/containerd /var/log/pods /var/log/containers \
  /var/log/openvswitch /var/log/ovn
[ -e /etc/hostname ] && echo "$name" >/etc/hostname
printf '127.0.0.1 localhost\n::1 localhost\n' >/etc/hosts
rm -f /etc/resolv.conf
printf '%s\n' "$resolv" >/etc/resolv.conf

# /sys/class/net of this network, with the cgroups of the machine.
mkdir -p "$fs/cgroup"
mount --rbind /sys/fs/cgroup "$fs/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$fs/cgroup" /sys/fs/cgroup
umount -l "$fs/cgroup"
mount -t proc proc /proc

# What is mounted later is seen by containers that ask for it (mountPropagation).
mount --make-rshared /

ip link set lo up
for each in ipv4/ip_forward ipv6/conf/all/forwarding; do
  echo 1 >"/proc/sys/net/$each"
done

: >/run/host.ready
# Whoever ignores this signal has nobody to wait for: the kernel reaps what others leave behind. (dash's trap can't.)
exec env --ignore-signal=CHLD sleep infinity
