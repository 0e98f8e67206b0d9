import type { BootstrapOptions } from '../bootstrap.js';

/** A CA that signed nothing: its key was thrown away. Valid for 100 years. */
export const sampleCaPem = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUKKzBQtyzM01vr9PQjNhbb5CUrdwwCgYIKoZIzj0EAwIw
IjEgMB4GA1UEAwwXU2FtcGxlIGNvbnRyb2wgcGxhbmUgQ0EwIBcNMjYxMTI1MDE0
ODQ4WhgPMjEyNjExMDEwMTQ4NDhaMCIxIDAeBgNVBAMMF1NhbXBsZSBjb250cm9s
IHBsYW5lIENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVZ/bTGKZZ+SXGLEx
gf6F+a7JSuJtQBgTwuk2SCA5k3d004TFOrLnJVADlbVtUQi/c0zh7JoCW/ukkJxI
XhVxfaNTMFEwHQYDVR0OBBYEFJi/whLQ0OmsvJDBihF6OCXp7zn/MB8GA1UdIwQY
MBaAFJi/whLQ0OmsvJDBihF6OCXp7zn/MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
zj0EAwIDSQAwRgIhAKKJfY9bbet898DbZxcgxXVkd/HQIiAOYVRfRF0YXzM3AiEA
65OqWuOV6LXC/yFIzcCrMnOlNIt+TE6DZQxTdyU4mr0=
-----END CERTIFICATE-----
`;

/** The sidecar of the documentation; `envoy/bootstrap.sample.yaml` is rendered from it. */
export const sampleOptions: BootstrapOptions = {
  identity: { mesh: 'default', namespace: 'shop', workload: 'web', instance: 'web-1' },
  xds: { address: 'heddle.example.com', port: 8191, serverName: 'control-plane.heddle.local' },
  admin: { address: '127.0.0.1', port: 9901 },
  caPem: sampleCaPem,
  dir: '/etc/heddle',
};
