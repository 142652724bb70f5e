import { sha256 } from '@noble/hashes/sha2.js';
import type { Base64 } from '../base/base64.js';
import { RouteError } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import type { FoundDocument } from '../council/documents.js';
import { moreThanHalf } from '../council/majority.js';
import { acceptList } from '../follow/accept.js';
import { type DocumentMail, type MailBounds, readDirectoryMails } from '../follow/mails.js';
import type { AuthorityStore } from '../ports/authority.js';
import type { Compression } from '../ports/compression.js';
import type { Inbox, MimeParser } from '../ports/mail.js';
import type { Operators } from '../ports/operators.js';
import type { Publisher } from '../ports/publisher.js';
import type { Ticker } from '../ports/ticker.js';
import { Jobs } from '../post/jobs.js';
import { postDue, type PostDeps } from '../post/post.js';
import type { Rng } from '../base/random.js';
import { publicKeyOf, type PublicKeyHex } from '../route/document.js';
import { inspectNetwork, type Network, type Trust } from '../route/network.js';
import type { SphinxCrypto } from '../sphinx/crypto.js';
import { ballotFor } from './ballot.js';
import { type Dispatch, dispatchWith } from './dispatch.js';
import * as gather from './gather.js';
import { hear, isCouncilKind, roundAt } from './hear.js';
import { collectProbes } from './home.js';
import { measure } from './measure.js';
import { probeWaitMs, sendProbes } from './probe.js';
import { publish } from './publish.js';
import { roundOnce, type RoundRules } from './round.js';

/** What the operator of an authority has decided. */
export interface AuthorityRules extends RoundRules {
  /** Challenges mailed in an hour to nodes that want to join. */
  readonly candidatesPerHour: number;
  /** Of those, for one operator of mailboxes; a quarter of all, if nothing is said. */
  readonly candidatesPerOperatorPerHour?: number;
  /** Packets that are to come back through each node, in a period; 0: nothing is measured. */
  readonly probesPerPeriod: number;
}

export interface AuthorityDeps extends Omit<PostDeps, 'ended'> {
  readonly store: AuthorityStore;
  readonly inbox: Inbox;
  readonly parse: MimeParser;
  readonly base64: Base64;
  readonly compression: Compression;
  readonly crypto: SphinxCrypto;
  readonly operators: Operators;
  /** Where everybody can read the lists; undefined: they go by mail only. */
  readonly publisher: Publisher | undefined;
  readonly rng: Rng;
  readonly ticker: Ticker;
  /** Ed25519, 32 bytes. */
  readonly secretKey: Uint8Array;
  readonly rules: AuthorityRules;
  /** How often the mailbox is asked without a notice from its server. */
  readonly pollMs: number;
}
