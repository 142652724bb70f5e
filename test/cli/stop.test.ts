import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { underWayIn, untilStopped } from '../../src/cli/stop.js';
import { Vitals } from '../../src/post/vitals.js';

const said: string[] = [];
beforeEach(() => {
  said.length = 0;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => vi.restoreAllMocks());

const signal = (): boolean => process.emit('SIGTERM', 'SIGTERM');

describe('a process that is told to stop', () => {
  it('says what it waits for and how long that may take, and how long it took', async () => {
    const heard: string[] = [];
    const order: string[] = [];
    const ended = untilStopped({
      vitals: new Vitals('node'),
      onStop: (sentence) => heard.push(sentence),
      work: (stop) =>
        new Promise((resolve) =>
          stop.addEventListener('abort', () => {
            order.push('work');
            resolve();
          }),
        ),
      close: () => Promise.resolve(void order.push('close')),
    });
    signal();
    await ended;
    expect(order).toEqual(['work', 'close']);
    expect(said).toEqual([
      'stopping: what is due is handed over, at most 25 s; again to stop at once\n',
      'stopped after 0 s\n',
    ]);
    expect(heard).toEqual(['stopping: what is due is handed over, at most 25 s']);
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });

  it('ends at once with 130 when it is told so again', async () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
      throw new Error('ended at once');
    });
    let end: () => void = () => undefined;
    const ended = untilStopped({
      vitals: new Vitals('node'),
      work: () => new Promise((resolve) => (end = resolve)),
      close: () => Promise.resolve(),
    });
    signal();
    expect(signal).toThrow('ended at once');
    expect(exit).toHaveBeenCalledWith(130);
    end();
    await ended;
  });

  it('says nothing of a stop when it ends by itself, and lets go of everything', async () => {
    let closed = 0;
    const work = (): Promise<void> => Promise.reject(new Error('BUG'));
    const ended = untilStopped({
      vitals: new Vitals('node'),
      work,
      close: () => Promise.resolve(closed++).then(() => undefined),
    });
    await expect(ended).rejects.toThrow('BUG');
    expect([closed, said]).toEqual([1, []]);
  });

  it('names mails and mailbox', () => {
    expect(underWayIn({ handOvers: 3, isReading: false })).toBe('3 mails are being handed over');
    expect(underWayIn({ handOvers: 1, isReading: true })).toBe(
      '1 mail is being handed over and the mailbox is being read',
    );
    expect(underWayIn({ handOvers: 0, isReading: true })).toBe('the mailbox is being read');
  });
});
