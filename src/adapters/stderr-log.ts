import type { Log } from '../ports/log.js';

const line = (level: string, event: string, counts: Readonly<Record<string, number | string>>): void => {
  const words = Object.entries(counts).map(([name, value]) => `${name}=${value}`);
  process.stderr.write(`${[level, event, ...words].join(' ')}\n`);
};

/** One line an event on standard error, without a time of its own: systemd's journal and container logs add one. */
export const stderrLog: Log = {
  info: (event, counts = {}) => line('info', event, counts),
  warn: (event, counts = {}) => line('warn', event, counts),
};
