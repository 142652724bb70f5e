import type { NodeId } from '../base/ids.js';
import { secondMs } from '../base/units.js';
import {
  authoritiesIn,
  authorityLines,
  historyIn,
  historyLines,
  longestPeriodSeconds,
  mostPeriods,
  readStanding,
  standingLine,
} from '../route/consensus.js';
import { badDocument, type Field, inRange, type PublicKeyHex, readDigest } from '../route/document.js';
import type { AuthorityAddress, NetworkParameters, PastConsensus, Standing } from '../route/network.js';
import { parameterLines, parametersIn } from '../route/parameters.js';
import { readOwn, signOwn } from './documents.js';
import { isOnTimetable } from './timetable.js';

/** What one authority holds of one node. */
export interface VoteMember {
  readonly nodeId: NodeId;
  /** SHA-256 of the canonical descriptor, signature and end line included; 64 hex digits. */
  readonly descriptorDigest: string;
  readonly standing: Standing;
}

/** What one authority wants the list of a number to be, and its promise of randomness for it. */
export interface Vote {
  readonly authority: PublicKeyHex;
  readonly number: number;
  readonly periodMs: number;
  /** Digest of the newest list it holds; undefined: there has been none. */
  readonly previous: string | undefined;
  /** The chain as it holds it, newest first: `previous` is the first of it. At most 32. */
  readonly history: readonly PastConsensus[];
  /** `commitOf` the secret that it reveals later. */
  readonly commit: string;
  readonly parameters: NetworkParameters;
  /** As they stand in its configuration. */
  readonly authorities: readonly AuthorityAddress[];
  /** Each node once. */
  readonly members: readonly VoteMember[];
  /** SHA-256 of the body, 64 hex digits. */
  readonly digest: string;
  readonly text: string;
}

export type VoteDraft = Omit<Vote, 'authority' | 'digest' | 'text'>;

/** A quarter of the largest list; more than 30,000 nodes with the longest possible lines. */
export const largestVoteCharacters = 16 * 1024 * 1024;
export const mostMembers = 32_768;

/**
 * A vote, signed.
 *
 *   mixmailer-vote 1
 *   by <authority>
 *   number <n>
 *   period <seconds>
 *   previous <digest>                                  not before the first list
 *   history <number> <digest>                          as in a list
 *   commit <64 hex digits>
 *   path-length ... most-per-operator                  as in a list
 *   authority <key> <address>                          as in a list
 *   member <node id> <digest of the descriptor> <operator> <per mille> <median s> <p90 s> [leaving]
 *   signature <authority> ...
 *   end mixmailer-vote
 *
 * @param secretKey the authority's Ed25519 key, 32 bytes
 * @throws RouteError `route/bad-document` when the draft could not be read back
 */
export const signVote = (draft: VoteDraft, secretKey: Uint8Array): string => {
  const lines = [
    `number ${draft.number}`,
    `period ${draft.periodMs / secondMs}`,
    ...(draft.previous === undefined ? [] : [`previous ${draft.previous}`]),
    ...historyLines(draft.history),
    `commit ${draft.commit}`,
    ...parameterLines(draft.parameters),
    ...authorityLines(draft.authorities),
    ...draft.members.map(memberLine),
  ];
  return readVote(signOwn('vote', lines, secretKey)).text;
};

const memberLine = ({ nodeId, descriptorDigest, standing }: VoteMember): string =>
  `member ${nodeId} ${descriptorDigest} ${standingLine(nodeId, standing).split(' ').slice(2).join(' ')}`;

const readMember = ({ value }: Field): VoteMember => {
  const [id = '', digest = '', ...rest] = value.split(' ');
  const descriptorDigest = readDigest(digest);
  if (descriptorDigest === undefined) throw badDocument('member: expected a node, a digest and what is known of it');
  const [nodeId, standing] = readStanding([id, ...rest].join(' '));
  return { nodeId, descriptorDigest, standing };
};

/**
 * Reads a vote, checks its signature and every line. Whether its author is an authority is the caller's matter.
 *
 * @throws RouteError `route/bad-document`, `route/bad-signature`
 */
export const readVote = (text: string): Vote => {
  const { by, fields, digest, text: canonical } = readOwn('vote', text, largestVoteCharacters);
  const number = fields.one('number', 'an integer', inRange(0, mostPeriods));
  const periodMs = fields.one('period', 'seconds', inRange(1, longestPeriodSeconds)) * secondMs;
  if (!isOnTimetable(periodMs, number)) throw badDocument('number: expected a time before the year 10000');
  const previous = fields.optional('previous') && fields.one('previous', '64 lower-case hex digits', readDigest);
  const history = historyIn(fields, number);
  if (history[0]?.digest !== previous) throw badDocument('history: expected the list before this one as the first');
  const lines = fields.many('member');
  if (lines.length > mostMembers) throw badDocument(`member: expected at most ${mostMembers}`);
  const members = lines.map(readMember);
  if (new Set(members.map(({ nodeId }) => nodeId)).size < members.length)
    throw badDocument('member: expected each node once');
  return {
    authority: by,
    number,
    periodMs,
    previous,
    history,
    commit: fields.one('commit', '64 lower-case hex digits', readDigest),
    parameters: parametersIn(fields),
    authorities: authoritiesIn(fields),
    members,
    digest,
    text: canonical,
  };
};
