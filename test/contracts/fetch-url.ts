import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { latin1 } from '../../src/base/bytes.js';
import type { FetchUrl } from '../../src/ports/follow.js';

/** A web server and a way to it. */
export interface FetchRig {
  /** Of the server's folder, without a slash at the end. */
  readonly url: string;
  readonly fetchUrl: FetchUrl;
  readonly put: (name: string, text: string) => void;
  readonly stop: () => Promise<void>;
}

const never = new AbortController().signal;

/** What every `FetchUrl` keeps. */
export const fetchContract = (name: string, start: () => Promise<FetchRig>): void => {
  describe(`files of a web server (${name})`, () => {
    let rig: FetchRig;
    beforeAll(async () => {
      rig = await start();
      rig.put('small.txt', 'mixmailer-request 1\n');
      rig.put('large.txt', 'x'.repeat(300_000));
    });
    afterAll(() => rig.stop());

    it('come as they are', async () => {
      for (const [file, length] of [
        ['small.txt', 20],
        ['large.txt', 300_000],
      ] as const) {
        const outcome = await rig.fetchUrl(`${rig.url}/${file}`, length, never);
        expect(outcome.kind === 'found' && latin1(outcome.bytes)).toHaveLength(length);
      }
    });

    it('are missing, and that is said', async () => {
      expect(await rig.fetchUrl(`${rig.url}/none.txt`, 1000, never)).toEqual({ kind: 'missing' });
    });

    it('are given up when they are larger than wanted', async () => {
      const outcome = await rig.fetchUrl(`${rig.url}/large.txt`, 299_999, never);
      expect(outcome).toEqual({ kind: 'failed', why: 'too-large' });
    });

    it.each(['http://localhost/small.txt', 'file:///etc/passwd', 'small.txt', ''])(
      'are not asked for in the clear, or elsewhere: %j',
      async (url) => {
        expect(await rig.fetchUrl(url, 1000, never)).toEqual({ kind: 'failed', why: 'connect' });
      },
    );

    it('are not waited for after an abort', async () => {
      const outcome = await rig.fetchUrl(`${rig.url}/small.txt`, 1000, AbortSignal.abort());
      expect(outcome).toEqual({ kind: 'failed', why: 'timeout' });
    });
  });
};
