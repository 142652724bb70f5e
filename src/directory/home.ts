import type { Base64 } from '../base/base64.js';
import { PacketError, SubmissionError } from '../base/errors.js';
import { carrierSubject, sliceCarrierMail } from '../carrier/carrier.js';
import { packetsInParts } from '../carrier/parts.js';
import type { Clock } from '../ports/clock.js';
import type { Inbox, MimeParser } from '../ports/mail.js';
import type { CursorStore } from '../ports/stores.js';
import type { Reading } from '../post/aside.js';
import { inEachFolder } from '../post/folders.js';
import { geometry } from '../sphinx/geometry.js';
import { type ProbeDeps, type ProbeEnd, takeProbe } from './probe.js';

export interface HomeDeps extends Pick<ProbeDeps, 'crypto' | 'log'> {
  readonly store: ProbeDeps['store'] & CursorStore;
  readonly inbox: Inbox;
  /** How far it has come; lives as long as the process. */
  readonly reading: Reading;
  readonly parse: MimeParser;
  readonly base64: Base64;
  readonly clock: Clock;
}

const packetsIn = async ({ parse, base64 }: HomeDeps, raw: Uint8Array): Promise<readonly Uint8Array[]> => {
  const sliced = sliceCarrierMail(raw, base64);
  if (sliced !== undefined) return sliced;
  try {
    return packetsInParts((await parse(raw)).parts);
  } catch (error) {
    if (error instanceof SubmissionError) return [];
    throw error;
  }
};

const endOf = (deps: HomeDeps, packet: Uint8Array, now: number): ProbeEnd => {
  try {
    return takeProbe(deps, packet, now);
  } catch (error) {
    if (error instanceof PacketError) return 'damaged';
    throw error;
  }
};

/**
 * Reads the mails with packets in the authority's mailbox once: probes that came home are noted, and all such mails
 * removed; an authority relays nothing.
 *
 * @throws MailError, StoreError: nothing is lost, the next call starts where this one stopped
 */
export const collectProbes = async (deps: HomeDeps, signal: AbortSignal): Promise<void> => {
  const { inbox, reading, store, clock, log } = deps;
  const counts = new Map<string, number>();
  const failure = await inEachFolder(inbox, signal, async (folder) => {
    for (let more = true; more && !signal.aborted;) {
      const filter = { smallestBytes: geometry.packetBytes, subject: carrierSubject };
      const fetched = await inbox.fetch(folder, reading.from(store, folder), signal, filter);
      const carriers: { readonly uid: number; readonly packets: readonly Uint8Array[] }[] = [];
      for (const { uid, raw } of fetched.mails)
        if (raw !== undefined) carriers.push({ uid, packets: await packetsIn(deps, raw) });
      const uids = store.atomically(() =>
        carriers.flatMap(({ uid, packets }) => {
          for (const packet of packets) {
            const end = endOf(deps, packet, clock.now());
            counts.set(end, (counts.get(end) ?? 0) + 1);
          }
          return packets.length > 0 ? [uid] : [];
        }),
      );
      if (uids.length > 0) await inbox.remove(folder, fetched.uidValidity, uids, signal);
      reading.dealtWith(store, folder, fetched);
      more = fetched.more;
    }
  });
  if (counts.size > 0) log.info('probes', Object.fromEntries(counts));
  if (failure !== undefined) throw failure;
};
