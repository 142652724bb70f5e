import type { SeenMail } from './smtp-tap.js';

/** What somebody who watches all providers keeps of a mail; its content says nothing else to them. */
export interface RecordedMail {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly sizeBytes: number;
  /** Packet mails say in their subject what they are. */
  readonly isOfPackets: boolean;
}

/** A list of all mails that taps show, with the time each was handed in. */
export class Recorder {
  readonly mails: RecordedMail[] = [];

  readonly see = ({ from, to: [to = ''], raw }: SeenMail): void => {
    const isOfPackets = /^Subject: MixMailer packets\r?$/m.test(raw.toString('latin1', 0, 2000));
    this.mails.push({ at: Date.now(), from, to, sizeBytes: raw.length, isOfPackets });
  };
}
