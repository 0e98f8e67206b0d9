export { Courier, type CourierOptions, GIVE_UP_AFTER_MS, waitBefore } from './courier.js';
export { allowedHostProblem, Egress, EgressRefused, isPublic, type Resolve, type Target } from './egress.js';
export { DeliveryFailed } from './failure.js';
export { linkOf, type Notification, type NotifiedAlert, notificationOf, testNotification } from './notification.js';
export { type Post, type PostOptions, post } from './post.js';
export { AlertSecrets } from './secrets.js';
export { type Delivery, Sender, type SenderOptions } from './sender.js';
export { alertmanagerBody, mailText, slackBody, titleOf } from './shapes.js';
