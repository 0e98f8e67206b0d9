export interface SocketAddress {
  readonly address: string;
  /** 1 to 65535. */
  readonly port: number;
}
