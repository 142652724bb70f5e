/**
 * What can be wrong, as `room/what-is-wrong` codes. The codes are the interface: nothing decides by message text, and
 * no text holds bytes, keys, addresses or tags.
 */

/** Why a packet, bundle, fragment or message from the network is dropped. Counted, never answered. */
export type DropReason =
  | 'packet/bad-length'
  | 'packet/bad-version'
  | 'packet/bad-mac'
  | 'packet/bad-command'
  | 'packet/bad-payload'
  | 'packet/replayed'
  | 'packet/unknown-next-hop'
  | 'packet/unexpected'
  | 'packet/not-an-exit'
  | 'packet/unknown-loop'
  | 'packet/mailbox-full'
  | 'packet/pool-crowded'
  | 'mail/over-backlog'
  | 'mail/over-quota'
  | 'message/bad-fragment'
  | 'message/bad-envelope'
  | 'message/too-large'
  | 'message/too-many'
  | 'message/not-encrypted'
  | 'message/bad-recipient'
  | 'message/already-known'
  | 'message/bad-receipt'
  | 'message/bad-piece';

/**
 * Hostile or damaged input, inside a pure room; turned into a verdict at the room's door.
 *
 * @hideconstructor
 */
export class PacketError extends Error {
  readonly code: DropReason;
  constructor(code: DropReason, options?: ErrorOptions) {
    super(code, options);
    this.name = 'PacketError';
    this.code = code;
  }
}

/**
 * The mail world failed us: server gone, login refused, deadline over. The next tick tries again.
 *
 * @hideconstructor
 */
export class MailError extends Error {
  readonly code:
    'mail/connect' | 'mail/login' | 'mail/tls' | 'mail/timeout' | 'mail/protocol' | 'mail/closed' | 'mail/insecure';
  constructor(code: MailError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MailError';
    this.code = code;
  }
}

/** Whoever was asked has ended it: nothing is to be done any more. */
export class Stopped extends Error {
  constructor() {
    super('stopped');
    this.name = 'Stopped';
  }
}

/**
 * The disk failed us.
 *
 * @hideconstructor
 */
export class StoreError extends Error {
  readonly code: 'store/open' | 'store/version' | 'store/write' | 'store/locked';
  constructor(code: StoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}

/**
 * The operator can mend this: the message names the key, what was expected and what was found.
 *
 * @hideconstructor
 */
export class ConfigError extends Error {
  readonly code = 'config/invalid';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigError';
  }
}

/**
 * A signed document (descriptor, network list) that can't be trusted, or a path that can't be found in it.
 *
 * @hideconstructor
 */
export class RouteError extends Error {
  readonly code:
    | 'route/bad-document'
    | 'route/bad-signature'
    | 'route/too-few-signatures'
    | 'route/expired'
    | 'route/not-yet-valid'
    | 'route/no-path'
    | 'route/no-list'
    | 'route/stale'
    | 'route/fork';
  constructor(code: RouteError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RouteError';
    this.code = code;
  }
}

/**
 * A mail the user's program handed in that may not be sent as it is; the text goes back to the user as a 550.
 *
 * @hideconstructor
 */
export class SubmissionError extends Error {
  readonly code:
    | 'submission/not-encrypted'
    | 'submission/bad-recipient'
    | 'submission/too-large'
    | 'submission/no-recipient'
    | 'submission/bad-reply-wish'
    | 'submission/malformed';
  constructor(code: SubmissionError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SubmissionError';
    this.code = code;
  }
}

/**
 * A program and its client don't get along: it asked for what can't be had, or did not take a reply.
 *
 * @hideconstructor
 */
export class ClientError extends Error {
  readonly code: 'client/closed' | 'client/unknown-message' | 'client/reply-not-taken';
  constructor(code: ClientError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClientError';
    this.code = code;
  }
}

/** Our own mistake. Nobody handles it: the process stops. */
export class Bug extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(`BUG: ${message}`, options);
    this.name = 'Bug';
  }
}

/** Ends every `switch` over a union. */
export const unreachable = (value: never): never => {
  throw new Bug(`unhandled case ${typeof value}`);
};
