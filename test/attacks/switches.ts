import type { Switch } from './switch.js';
import { edgeSwitches } from './switches-edge.js';
import { mixSwitches } from './switches-mix.js';
import { pageSwitches } from './switches-page.js';

/** The attacks that have a test here, each with what answers it. */
export const switches: readonly Switch[] = [...mixSwitches, ...edgeSwitches, ...pageSwitches];
