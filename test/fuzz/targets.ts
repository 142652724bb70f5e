import type { TargetSpec } from './target.js';
import { attachmentTargets } from './targets-attachments.js';
import { documentTargets } from './targets-documents.js';
import { mailTargets } from './targets-mails.js';
import { messageTargets } from './targets-messages.js';
import { packetTargets } from './targets-packets.js';
import { signedTargets } from './targets-signed.js';
import { textTargets } from './targets-texts.js';

/** Every decoder of src/ that reads what others wrote; docs/testing.md says which are left out, and why. */
export const allTargets: readonly TargetSpec[] = [
  ...packetTargets,
  ...messageTargets,
  ...mailTargets,
  ...attachmentTargets,
  ...documentTargets,
  ...signedTargets,
  ...textTargets,
];

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

/** How many of so many inputs each target takes, by weight, at least one. */
export const inputsOf = (targets: readonly TargetSpec[], inputs: number): ReadonlyMap<string, number> => {
  const all = sumOf(targets.map(({ weight }) => weight));
  return new Map(targets.map(({ name, weight }) => [name, Math.max(1, Math.round((inputs * weight) / all))]));
};
