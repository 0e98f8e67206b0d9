#!/bin/sh
# Registers this machine's instance (instance.json), or takes it out of the mesh before Envoy stops.
#
#   instance.sh register | leave
#
# Environment as for renew-token.sh, and
#   HEDDLE_INSTANCE  meshes/<mesh>/namespaces/<namespace>/instances/<instance>
#   HEDDLE_ADMIN     Envoy's admin interface, default http://127.0.0.1:9901
set -eu
cd "${HEDDLE_DIR:-/etc/heddle}"

call() {
  printf 'Authorization: Bearer %s\n' "$(cat token)" |
    curl --silent --show-error --fail --max-time 20 --cacert ca.pem \
      ${HEDDLE_CONNECT:+--connect-to "::$HEDDLE_CONNECT"} --header @- "$@"
}

active() {
  curl --silent --max-time 2 "${HEDDLE_ADMIN:-http://127.0.0.1:9901}/stats?filter=%5Ehttp%5C.inbound.*downstream_rq_active" |
    awk '{ sum += $2 } END { print sum + 0 }'
}

case ${1:-} in
  register)
    call --output /dev/null --retry 10 --retry-connrefused --request PUT \
      --header 'Content-Type: application/json' --data @instance.json "$HEDDLE_API/api/v1/$HEDDLE_INSTANCE"
    ;;
  leave)
    # Every caller confirms that it sends nothing here any more (at most 5 s), then running requests end (at most 30 s).
    call --output /dev/null --request DELETE "$HEDDLE_API/api/v1/$HEDDLE_INSTANCE?wait=5" ||
      echo "heddle: not deregistered, callers will notice by themselves" >&2
    seconds=0
    while [ "$(active)" -gt 0 ] && [ $seconds -lt 30 ]; do sleep 1; seconds=$((seconds + 1)); done
    ;;
  *)
    echo "usage: instance.sh register | leave" >&2
    exit 2
    ;;
esac
