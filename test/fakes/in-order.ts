import type { PoolId, PoolStore, Store } from '../../src/ports/stores.js';
import type { Wrap } from './network.js';

/** A store with other methods over its own. */
export const overlaid = <T extends object>(store: T, methods: object): T =>
  new Proxy(store, { get: (target, name) => Reflect.get(name in methods ? methods : target, name) as unknown });

/**
 * Gives the packets of one store's pool in the order in which they came, so that a story is the same at each run: the
 * database draws its own order from the system's chance. For stories in which few packets wait at a time.
 */
export const inOrder = (): Wrap => {
  const order = new Map<PoolId, number>();
  return <T extends object>(name: string, port: T): T => {
    if (name !== 'store') return port;
    const { addToPool, waiting } = port as T & Store & PoolStore;
    const ordered: Pick<PoolStore, 'addToPool' | 'waiting'> = {
      addToPool: (entry) => {
        addToPool(entry);
        for (const { id } of waiting(Infinity)) if (!order.has(id)) order.set(id, order.size);
      },
      waiting: (now) => waiting(now).toSorted((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0)),
    };
    return overlaid(port, ordered);
  };
};
