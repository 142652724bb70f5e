/**
 * The user's agent in a program, and nodemailer's transport over it. `docs/library.md` says how to use them.
 *
 * @module mixmailer
 */
export { ClientError, ConfigError, RouteError, StoreError, SubmissionError } from './base/errors.js';
export type { Submission } from './client/submit.js';
export type { Receipt, Rejection } from './message/receipt.js';
export type { Ending } from './message/report.js';
export { MixClient } from './mix-client.js';
export type { ClientSettings, ClientSource, MixStatus, OpenOptions, Reply, SubmittedMessage } from './mix-client.js';
export { mixTransport } from './mix-transport.js';
export type { MixSentInfo, MixTransport } from './mix-transport.js';
export type { Log } from './ports/log.js';
export type { MessageState } from './ports/client-store.js';
