import type { Network } from '../route/network.js';

/** The signed list of all nodes, as this process may trust it. */
export interface Directory {
  /**
   * The list valid at `now`; read again when it has changed.
   *
   * @throws RouteError when there is none with enough valid signatures
   */
  readonly network: (now: number) => Network;
}
