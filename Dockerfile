# Three images: `docker build --target ovnloom .` (controller, node agent and CNI plugin; the default), `--target ovn-central` (the databases and
# ovn-northd) and `--target ovs` (Open vSwitch and ovn-controller of a node). sandbox/images/own.py makes the same ones without a builder.
#
# What they start from is pinned by the most exact tag there is. A release pins the content as well, by its digest:
#   --build-arg PYTHON_IMAGE=python:3.11.13-slim-bookworm@sha256:… --build-arg DEBIAN_IMAGE=debian:trixie-20250811-slim@sha256:…
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm
ARG DEBIAN_IMAGE=debian:trixie-20250811-slim
ARG GO_IMAGE=golang:1.27.3-bookworm


FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/dev.lock requirements/runtime.lock requirements/
# Dependencies change less often than the code, so they are a layer of their own. Each file is checked by its hash.
RUN python -m venv --without-pip /opt/ovnloom \
 && pip --python /opt/ovnloom/bin/python install --require-hashes --no-deps -r requirements/runtime.lock
# The builder of our own wheel, by the hashes of the development lock; none of it goes into the result.
RUN awk '/^[a-z]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|trove-classifiers)==/ } wanted' requirements/dev.lock >build.lock \
 && python -m venv --without-pip /opt/build \
 && pip --python /opt/build/bin/python install --require-hashes -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator/ovnloom operator/ovnloom
RUN /opt/build/bin/python -m hatchling build -t wheel \
 && pip --python /opt/ovnloom/bin/python install --no-deps --no-index dist/*.whl \
 # The root file system is read-only at run time: compiled once, here, and comparable from build to build.
 && /opt/ovnloom/bin/python -m compileall -q --invalidation-mode checked-hash /opt/ovnloom/lib \
 && /opt/ovnloom/bin/python -c 'import kopf, ovs, ovsdbapp, ovnloom.settings'


# What a host's container runtime starts, so it depends on nothing of the host: static.
FROM ${GO_IMAGE} AS cni
WORKDIR /src
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly
# Modules change less often than the code; each is checked by its hash in go.sum.
COPY operator/cni/go.mod operator/cni/go.sum ./
RUN go mod download
# The plugins of others that ours is chained with, and the one that runtimes call themselves.
COPY operator/cni/reference reference/
RUN cd reference \
 && go build -trimpath -ldflags "-s -w" -o /opt/cni/bin/ \
      github.com/containernetworking/plugins/plugins/main/loopback \
      github.com/containernetworking/plugins/plugins/meta/bandwidth \
      github.com/containernetworking/plugins/plugins/meta/portmap
COPY operator/cni ./
COPY operator/ovnloom/__init__.py ./
RUN version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' __init__.py) \
 && go build -trimpath -ldflags "-s -w -X ovnloom.io/cni/plugin.Version=$version" -o /opt/cni/bin/kube-ovn ./kube-ovn


# ovsdb-server, ovn-northd and their schemas, of an OVN that has tiers of ACLs (23.06). Debian's packages; another version of OVN is another pair of pins.
FROM ${DEBIAN_IMAGE} AS ovn-central
ARG OVN_VERSION=25.03.0-1
ARG OVS_VERSION=3.5.0-1+b1
RUN apt-get -q update \
 && DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends \
      "ovn-central=${OVN_VERSION}" "ovn-common=${OVN_VERSION}" \
      "openvswitch-common=${OVS_VERSION}" \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
 && install -d -o 65532 -g 65532 /run/ovn /var/lib/ovn
# The scripts that start the servers are in the chart, so that they fit its values.
USER 65532:65532
ENTRYPOINT []
CMD ["/usr/bin/ovn-northd", "--version"]


# A node's ovsdb-server, ovs-vswitchd and ovn-controller, of the same versions.
FROM ${DEBIAN_IMAGE} AS ovs
ARG OVN_VERSION=25.03.0-1
ARG OVS_VERSION=3.5.0-1+b1
ARG IPROUTE_VERSION=6.15.0-1
RUN apt-get -q update \
 && DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends \
      "openvswitch-switch=${OVS_VERSION}" "openvswitch-common=${OVS_VERSION}" \
      "ovn-host=${OVN_VERSION}" "ovn-common=${OVN_VERSION}" \
      "iproute2=${IPROUTE_VERSION}" \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
# They make interfaces and datapaths in the node's network, which only root may. The scripts that start them are in the chart.
USER 0:0
ENTRYPOINT []
CMD ["/usr/sbin/ovs-vswitchd", "--version"]


FROM ${PYTHON_IMAGE} AS ovnloom
ARG NFTABLES_VERSION=1.0.6-2+deb12u2
ARG IPROUTE_VERSION=6.1.0-3
ARG ETHTOOL_VERSION=1:6.1-1
ARG CONNTRACK_VERSION=1:1.4.7-1+b2
# The node agent's: nft for the rules, ip and tc, ethtool for offloads, conntrack to forget connections.
RUN apt-get -q update \
 && DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends \
      "nftables=${NFTABLES_VERSION}" "iproute2=${IPROUTE_VERSION}" \
      "ethtool=${ETHTOOL_VERSION}" "conntrack=${CONNTRACK_VERSION}" \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
# What runs is in the virtual environment; the base image's pip would only be there for an intruder.
RUN rm -rf /usr/local/lib/python3.11/site-packages/* /usr/local/lib/python3.11/ensurepip /usr/local/bin/pip*
COPY --from=cni /opt/cni /opt/cni
COPY --from=build /opt/ovnloom /opt/ovnloom
ENV PATH=/opt/ovnloom/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# The controller's. The node agent's DaemonSet says that it is root.
USER 65532:65532
EXPOSE 10660
ENTRYPOINT ["ovnloom"]
CMD ["controller"]
