import type { Delivery } from '#libs/changes';

/** `3 of 10 proxies` */
export const counted = ({ acked, total }: Pick<Delivery, 'acked' | 'total'>): string => `${acked} of ${total} proxies`;
