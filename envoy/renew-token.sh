#!/bin/sh
# Renews the token of a sidecar by one request, and puts it where Envoy reads it. Envoy presents it on its next stream;
# the running stream is not disturbed. Run it well before the token expires: a token that has expired cannot renew itself.
#
#   HEDDLE_API      https://control-plane.heddle.local:8190, the name in the control plane's certificate
#   HEDDLE_CONNECT  where that really is, if the name does not resolve here: heddle.example.com:8190
#   HEDDLE_DIR      the sidecar's folder, default /etc/heddle
set -eu
umask 077
cd "${HEDDLE_DIR:-/etc/heddle}"

# The token goes to curl by a pipe: what stands in arguments is seen by every process of the host.
answer=$(printf 'Authorization: Bearer %s\n' "$(cat token)" |
  curl --silent --show-error --fail --max-time 20 --cacert ca.pem \
    ${HEDDLE_CONNECT:+--connect-to "::$HEDDLE_CONNECT"} \
    --header @- --request POST "$HEDDLE_API/api/v1/tokens/renew")
token=$(printf '%s' "$answer" | sed -n 's/.*"token" *: *"\([^"]*\)".*/\1/p')
[ -n "$token" ] || { echo "heddle: the answer holds no token" >&2; exit 1; }

# Written beside and renamed: whoever reads sees the old or the new file, and Envoy watches for the rename.
printf '%s\n' "$token" > .token.new
cat > .sds-token.new <<YAML
resources:
  - "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
    name: xds_token
    generic_secret:
      secret:
        inline_string: Bearer $token
YAML
mv .token.new token
mv .sds-token.new sds-token.yaml
