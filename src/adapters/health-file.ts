import path from 'node:path';
import { z } from 'zod';
import type { HealthKeeper, HealthRecord } from '../ports/health.js';
import { readPrivateFile, writePrivateFile } from './owner-only.js';

const at = z.int().nonnegative();

const schema = z.object({
  role: z.enum(['node', 'client', 'authority']),
  startedAt: at,
  at,
  isStopping: z.boolean(),
  isTurning: z.boolean(),
  pollMs: at.optional(),
  readAt: at.optional(),
  further: z.array(z.object({ address: z.string(), readAt: at.optional() })).optional(),
  sentAt: at.optional(),
  flushedAt: at.optional(),
  listUntil: at.optional(),
});

const fileIn = (folder: string): string => path.join(folder, 'health.json');

/** Keeps what a process tells of itself in its data folder, the last only: whole, or as it was before. */
export const healthFile =
  (folder: string): HealthKeeper =>
  (record) =>
    writePrivateFile(fileIn(folder), `${JSON.stringify(record)}\n`);

/** What the process on that data folder told last; undefined when there is nothing that this version can read. @throws ConfigError */
export const readHealth = (folder: string): HealthRecord | undefined => {
  const text = readPrivateFile(fileIn(folder));
  if (text === undefined) return undefined;
  try {
    const { pollMs, readAt, further, sentAt, flushedAt, listUntil, ...rest } = schema.parse(JSON.parse(text));
    const others = further?.map((one) => ({ address: one.address, readAt: one.readAt }));
    return { ...rest, pollMs, readAt, ...(others && { further: others }), sentAt, flushedAt, listUntil };
  } catch {
    return undefined;
  }
};
