/** Which role a process has. */
export type Role = 'node' | 'client' | 'authority';

/**
 * What a running process tells of itself to whoever looks after it. Nothing of it says anything of a mail: the times of
 * what it does are cut to ten minutes, and only the last of each is there.
 */
export interface HealthRecord {
  readonly role: Role;
  readonly startedAt: number;
  /** When this was written. */
  readonly at: number;
  /** It is coming to its end. */
  readonly isStopping: boolean;
  /** Its loops turn: none has been at one thing for longer than any step may take. */
  readonly isTurning: boolean;
  /** How often it reads its mailbox at least; undefined of one that reads none. */
  readonly pollMs: number | undefined;
  /** When it last read its mailbox to the end, since its start. */
  readonly readAt: number | undefined;
  /** The same of a node's further mailboxes; missing where it has none. */
  readonly further?: readonly { readonly address: string; readonly readAt: number | undefined }[];
  /** When a server last took a mail from it, since its start. */
  readonly sentAt: number | undefined;
  /** When it last flushed its pool, or came to a slot of its pace, since its start. */
  readonly flushedAt: number | undefined;
  /** Until when the list in force is valid; undefined while there is none. */
  readonly listUntil: number | undefined;
}

/** Keeps or passes on what a process tells of itself. @throws StoreError */
export type HealthKeeper = (record: HealthRecord) => void;
