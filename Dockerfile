# Two images: `docker build --target ovnloom .` (the controller, and the default) and `docker build --target ovn-central .`.
#
# What they start from is pinned by the most exact tag there is. A release pins the content as well, by its digest:
#   --build-arg PYTHON_IMAGE=python:3.11.13-slim-bookworm@sha256:… --build-arg DEBIAN_IMAGE=debian:trixie-20250811-slim@sha256:…
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm
ARG DEBIAN_IMAGE=debian:trixie-20250811-slim


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


FROM ${PYTHON_IMAGE} AS ovnloom
# What runs is in the virtual environment; the base image's pip would only be there for an intruder.
RUN rm -rf /usr/local/lib/python3.11/site-packages/* /usr/local/lib/python3.11/ensurepip /usr/local/bin/pip*
COPY --from=build /opt/ovnloom /opt/ovnloom
ENV PATH=/opt/ovnloom/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 10660
ENTRYPOINT ["ovnloom"]
CMD ["controller"]
