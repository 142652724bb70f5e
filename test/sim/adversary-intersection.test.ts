import { describe, expect, it } from 'vitest';
import { ascii } from '../../src/base/bytes.js';
import { type Rng, streamRng, unitInterval } from '../../src/base/random.js';
import { type Crowd, messagesToSender, type Narrowed } from '../../src/sim/adversary-intersection.js';
import { delayOf, median } from '../../src/sim/delay.js';

const rngOf = (name: string): Rng => streamRng(ascii(name).reduce((sum, byte) => (31 * sum + byte) % 2 ** 31, 7));

const delay = delayOf(
  ((rng) => Array.from({ length: 4000 }, () => 3 + 14 * (unitInterval(rng) + unitInterval(rng) + unitInterval(rng))))(
    rngOf('delay'),
  ),
);

const crowd: Crowd = {
  senders: 200,
  sending: { kind: 'as written' },
  messagesPerDay: 10,
  delay,
  onlineHours: 24,
};

const found = (more: Partial<Crowd>, mostMessages = 400): Narrowed => {
  const rng = rngOf('intersection');
  const trials = Array.from({ length: 5 }, () => messagesToSender({ ...crowd, ...more }, mostMessages, rng));
  return {
    messagesToOneLeft: median(trials.map((trial) => trial.messagesToOneLeft)),
    messagesToSure: median(trials.map((trial) => trial.messagesToSure)),
  };
};

const paced = { kind: 'paced', meanMin: 20 } as const;

describe('intersection', () => {
  it('finds one who sends as they write after a few messages', () => {
    const { messagesToOneLeft, messagesToSure } = found({});
    expect(messagesToOneLeft).toBeLessThan(10);
    expect(messagesToSure).toBeLessThanOrEqual(messagesToOneLeft);
  });

  it('takes three times as many messages and more where all clients send at their own pace', () => {
    const open = found({});
    const covered = found({ sending: paced });
    expect(covered.messagesToOneLeft).toBeGreaterThan(6 * open.messagesToOneLeft);
    expect(covered.messagesToSure).toBeGreaterThan(3 * open.messagesToSure);
    expect(covered.messagesToSure).toBeLessThan(400);
  });

  it('is helped by machines that are switched off', () => {
    const always = found({ sending: paced });
    const eightHours = found({ sending: paced, onlineHours: 8 });
    expect(eightHours.messagesToOneLeft).toBeLessThan(always.messagesToOneLeft * 0.7);
    expect(eightHours.messagesToSure).toBeLessThan(always.messagesToSure);
  });

  it('needs no message more than it is given, and says so', () => {
    expect(found({ sending: paced }, 2)).toEqual({ messagesToOneLeft: Infinity, messagesToSure: Infinity });
  });

  it('finds a sender among nobody at once', () => {
    expect(found({ senders: 1 })).toEqual({ messagesToOneLeft: 1, messagesToSure: 1 });
  });
});
