/** @param more further lines of its spec */
export const service = (name: string, more = ''): string => `apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  ports: [{ name: http, port: 8080, protocol: http }]${more}
`;
