import type { NodeId } from '../base/ids.js';
import type { PublicKeyHex } from '../route/document.js';
import type { FollowStore } from './follow.js';
import type { ClockStore, CursorStore, NoteStore, OutgoingStore, ScrubStore, Store } from './stores.js';

/** What an authority knows of a node's word about itself. */
export interface Applicant {
  readonly nodeId: NodeId;
  /** The descriptor, canonical. */
  readonly text: string;
  /** SHA-256 of that text, 64 hex digits. */
  readonly digest: string;
  readonly name: string;
  /** In lower case, as mail servers compare addresses. */
  readonly address: string;
  /** The registered part of its domain. */
  readonly site: string;
  readonly publishedAt: number;
}

/** A node that has not shown yet that it reads its mailbox. */
export interface Candidate extends Applicant {
  readonly cameAt: number;
  /** 32 bytes in hex: what was mailed to it; undefined while nothing was. */
  readonly nonce: string | undefined;
  /** Who runs its mailbox; known once it is challenged. */
  readonly operator: string | undefined;
  readonly challengedAt: number | undefined;
}

/** A node that has shown it: the authority votes for it while it does its work. */
export interface Member extends Applicant {
  readonly operator: string;
  readonly provenAt: number;
  /** When it said that it goes; undefined while it stays. */
  readonly leavingAt: number | undefined;
  /** When the next probe goes through it. */
  readonly nextProbeAt: number;
}

export interface CandidateStore {
  readonly candidate: (nodeId: NodeId) => Candidate | undefined;
  readonly candidateOfNonce: (nonce: string) => Candidate | undefined;
  /** Those to whom nothing was mailed. */
  readonly waitingCandidates: () => readonly Candidate[];
  readonly candidateCount: () => number;
  /** Of addresses under that registered domain. */
  readonly candidateCountAt: (site: string) => number;
  /** Of those to whom nothing was mailed, one of the registered domain that has most of them, and there the newest. */
  readonly crowdedCandidate: () => Candidate | undefined;
  /** The one that was challenged first, if that was before `then`. */
  readonly silentCandidate: (then: number) => Candidate | undefined;
  readonly waitingCount: () => number;
  /** Of those to whom nothing was mailed, by node id. */
  readonly waitingCandidateAt: (place: number) => Candidate | undefined;
  /** In place of what is kept of that node. */
  readonly putCandidate: (candidate: Candidate) => void;
  readonly removeCandidate: (nodeId: NodeId) => void;
  /** Forgets those that came before `then`. */
  readonly forgetCandidates: (then: number) => void;
  /** Remembers that a challenge was mailed. */
  readonly addChallenge: (challenge: SentChallenge) => void;
  readonly challengesSince: (then: number) => readonly SentChallenge[];
  readonly forgetChallenges: (then: number) => void;
}

/** What counts against the bounds on challenges. */
export interface SentChallenge {
  readonly operator: string;
  readonly site: string;
  readonly at: number;
}

export interface MemberStore {
  /** Those whose next probe is due. */
  readonly membersToProbe: (now: number) => readonly Member[];
  readonly member: (nodeId: NodeId) => Member | undefined;
  /** By node id. */
  readonly members: () => readonly Member[];
  /** Another node than that one which has the name or the address. */
  readonly memberNamed: (other: Pick<Applicant, 'nodeId' | 'name' | 'address'>) => Member | undefined;
  /** In place of what is kept of that node. */
  readonly putMember: (member: Member) => void;
  readonly removeMember: (nodeId: NodeId) => void;
  readonly setNextProbe: (nodeId: NodeId, at: number) => void;
}

/** A packet that is to come back over nodes. */
export interface Probe {
  /** Of its reply block, 16 bytes. */
  readonly id: Uint8Array;
  readonly opener: Uint8Array;
  /** The node it is about. */
  readonly subject: NodeId;
  /** Nodes on its way, at least 1. */
  readonly hops: number;
  /** SHA-256 of the mail it leaves in. */
  readonly mail: Uint8Array;
}

/** How one went. */
export interface ProbeResult {
  readonly subject: NodeId;
  readonly hops: number;
  /** When a mail server took it; undefined before that. */
  readonly sentAt: number | undefined;
  /** When it came back; undefined while it did not. */
  readonly homeAt: number | undefined;
}

export interface ProbeStore {
  readonly addProbe: (probe: Probe, now: number) => void;
  readonly probe: (id: Uint8Array) => Pick<Probe, 'id' | 'opener'> | undefined;
  /** The mail has left: its probes are on their way from now on. */
  readonly probesSent: (mail: Uint8Array, now: number) => void;
  /** A probe is home; what opens it is forgotten. */
  readonly probeHome: (id: Uint8Array, now: number) => void;
  /** Those made at `then` or later. */
  readonly probeResults: (then: number) => readonly ProbeResult[];
  readonly forgetProbes: (then: number) => void;
  readonly forgetProbesOf: (subject: NodeId) => void;
}

export type CouncilKind = 'vote' | 'reveal' | 'endorsement';

/** A document by which authorities agree. */
export interface CouncilDocument {
  readonly kind: CouncilKind;
  readonly authority: PublicKeyHex;
  readonly number: number;
  /** SHA-256 of its body. */
  readonly digest: string;
  readonly text: string;
}

/** Two documents by which an authority shows that it says different things to different people. */
export interface Contradiction {
  readonly authority: PublicKeyHex;
  readonly number: number;
  readonly kind: CouncilKind;
  readonly texts: readonly [string, string];
}

export interface RoundStore {
  /** The 32 bytes, in hex, of this authority's own vote for that number, once it has voted. */
  readonly voteSecret: (number: number) => string | undefined;
  readonly keepVoteSecret: (number: number, secret: string) => void;
  /** Of each authority at most one of a kind for a number: the first that came. */
  readonly councilDocuments: (number: number, kind: CouncilKind) => readonly CouncilDocument[];
  readonly councilDocument: (number: number, kind: CouncilKind, authority: PublicKeyHex) => CouncilDocument | undefined;
  /**
   * Keeps the document. Whatever the authority signs itself goes through here before it is mailed.
   *
   * @throws StoreError when there is one of that kind, number and authority
   */
  readonly addCouncilDocument: (document: CouncilDocument) => void;
  /** What this authority signed as the list of that number: its body, without signatures. */
  readonly signedBody: (number: number) => string | undefined;
  readonly keepSignedBody: (number: number, body: string) => void;
  readonly contradictions: () => readonly Contradiction[];
  /** Once an authority, number and kind. */
  readonly addContradiction: (contradiction: Contradiction) => void;
  /** The operator has dealt with them: what these authorities say counts again from the next number on. @returns how many */
  readonly forgetContradictions: () => number;
  /** Whether that was done for the number. */
  readonly isDone: (number: number, step: string) => boolean;
  readonly setDone: (number: number, step: string) => void;
  /** A vote names that descriptor. */
  readonly wantDescriptor: (digest: string, number: number) => void;
  /** Keeps a descriptor that a vote names. @returns whether one does */
  readonly keepWantedDescriptor: (digest: string, text: string) => boolean;
  readonly wantedDescriptor: (digest: string) => string | undefined;
  /** Forgets what belongs to numbers before that one; but contradictions, and that this authority has signed, stay. */
  readonly forgetRounds: (number: number, own: PublicKeyHex) => void;
}

export interface AuthorityStore
  extends
    Store,
    CursorStore,
    OutgoingStore,
    FollowStore,
    CandidateStore,
    MemberStore,
    ProbeStore,
    RoundStore,
    NoteStore,
    ClockStore,
    ScrubStore {}
