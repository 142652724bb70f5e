import type { Ending } from '../../src/message/report.js';
import type { NoticeReason } from '../../src/message/notice.js';

/** An ending, the Action and the Status that its notice has; no action where it is told in a plain mail. */
export type Sample = readonly [Ending, action: 'delivered' | 'failed' | undefined, status: string];

// By kind, so that the compiler asks for one that is new.
const samples: Readonly<Record<Ending['kind'], readonly Sample[]>> = {
  'handed-over': [[{ kind: 'handed-over', code: 250 }, 'delivered', '2.0.0']],
  refused: [550, 551, 552, 553, 554, 521].map((code): Sample => [{ kind: 'refused', code }, 'failed', '5.0.0']),
  rejected: [
    [{ kind: 'rejected', reason: 'message/bad-envelope' }, 'failed', '5.5.5'],
    [{ kind: 'rejected', reason: 'message/not-encrypted' }, 'failed', '5.7.1'],
    [{ kind: 'rejected', reason: 'message/bad-recipient' }, 'failed', '5.1.3'],
    [{ kind: 'rejected', reason: 'message/too-large' }, 'failed', '5.3.4'],
  ],
  'gave-up': [[{ kind: 'gave-up' }, 'failed', '4.4.7']],
  bounced: [1, 2, 3, 4, 5, 6, 7, 9].map((subject): Sample => [
    { kind: 'bounced', status: [5, subject, 1] },
    'failed',
    `5.${subject}.1`,
  ]),
  expired: [[{ kind: 'expired' }, 'failed', '4.4.2']],
  'no-answer': [
    [{ kind: 'no-answer', sendings: 3 }, 'failed', '4.4.7'],
    [{ kind: 'no-answer', sendings: 0 }, 'failed', '4.4.7'],
  ],
  restored: [[{ kind: 'restored' }, 'failed', '4.3.0']],
  'reply-incomplete': [[{ kind: 'reply-incomplete' }, undefined, '']],
};

/** Every way in which a message can end, for its sender. */
export const endings: readonly Sample[] = Object.values(samples).flat();

const reasons: Readonly<Record<NoticeReason, true>> = { expired: true, 'too-large': true, 'not-encrypted': true };

/** Every reason for which an answer does not reach its reader. */
export const noticeReasons = Object.keys(reasons) as readonly NoticeReason[];
