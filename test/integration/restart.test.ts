import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startDovecotPostfix } from '../servers/dovecot-postfix.js';

describe('a Postfix that was stopped and started again', () => {
  if (!existsSync('/usr/sbin/dovecot') || process.getuid?.() !== 0) {
    it.skip('needs Dovecot, Postfix and root');
    return;
  }

  it('leaves no process behind that takes connections and does not answer', async () => {
    const world = await startDovecotPostfix();
    try {
      const { smtp } = await world.addAccount('alice');
      for (let time = 0; time < 3; time++) {
        const socket = connect(smtp.port, '127.0.0.1').setEncoding('latin1');
        socket.on('error', () => undefined);
        const [greeting] = (await once(socket, 'data', { signal: AbortSignal.timeout(30_000) })) as [string];
        expect(greeting).toMatch(/^220 /);
        // The line is open while the server ends.
        await world.restart('postfix', 0);
        socket.destroy();
      }
    } finally {
      await world.stop();
    }
  });
});
