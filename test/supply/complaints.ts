/** The texts that say which packages are installed, and the page about them. */
export interface Texts {
  readonly package: string;
  readonly lock: string;
  readonly npmrc: string;
  readonly page: string;
  /** The headings of the page under which this package's dependencies stand. */
  readonly headings: readonly string[];
}

interface Package {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Locked {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

type Packages = Readonly<Record<string, Locked>>;

const registry = 'https://registry.npmjs.org/';

const dependencies = (text: string): readonly (readonly [name: string, version: string])[] => {
  const stated = JSON.parse(text) as Package;
  return [stated.dependencies, stated.devDependencies, stated.optionalDependencies].flatMap((some) =>
    Object.entries(some ?? {}),
  );
};

/** All that is locked, by its place: `node_modules/a/node_modules/b`. The first entry of a lock is the package itself. */
const locked = (text: string): Packages => {
  const { packages } = JSON.parse(text) as { readonly packages: Packages };
  return Object.fromEntries(Object.entries(packages).filter(([place]) => place !== ''));
};

const nameAt = (place: string): string => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Where Node finds `name` from `place`: beside it or further up, never in another package. */
const found = (packages: Packages, place: string, name: string): string | undefined => {
  for (let from = place; ; from = from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/')))) {
    const at = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
    if (at in packages) return at;
    if (from === '') return undefined;
  }
};

/** How many packages `name` brings along: all it needs, and what those need, itself left out. */
const brought = (packages: Packages, name: string): number => {
  const places = new Set<string>();
  const visit = (place: string | undefined): void => {
    if (place === undefined || places.has(place)) return;
    places.add(place);
    const { peerDependenciesMeta: meta = {}, ...one } = packages[place] ?? {};
    const peers = Object.keys(one.peerDependencies ?? {}).filter((peer) => meta[peer]?.optional !== true);
    for (const needed of [...Object.keys({ ...one.dependencies, ...one.optionalDependencies }), ...peers])
      visit(found(packages, place, needed));
  };
  visit(found(packages, '', name));
  return Math.max(0, places.size - 1);
};

/** The rows of tables: | `name` | packages it brings along | ... */
const rows = (page: string): ReadonlyMap<string, number> =>
  new Map([...page.matchAll(/^\| `([^`]+)` +\| (\d+) +\| \S/gm)].map(([, name = '', count]) => [name, Number(count)]));

/** The text under a heading of the second level, up to the next one. */
const section = (page: string, heading: string): string =>
  page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';

/** What the page says of the dependencies and what package.json and its lock say, where they differ. */
export const untold = (texts: Texts): readonly string[] => {
  const packages = locked(texts.lock);
  const told = rows(texts.headings.map((heading) => section(texts.page, heading)).join('\n'));
  const names = dependencies(texts.package).map(([name]) => name);
  return [
    ...names.filter((name) => !told.has(name)).map((name) => `${name}: the page does not name it`),
    ...[...told.keys()].filter((name) => !names.includes(name)).map((name) => `${name}: only the page has it`),
    ...[...told]
      .filter(([name, count]) => names.includes(name) && count !== brought(packages, name))
      .map(([name, count]) => `${name}: brings ${brought(packages, name)} packages, not ${count}`),
  ];
};

/** Versions another day's installation may read otherwise: ranges, tags, addresses. */
export const unpinned = ({ package: text }: Texts): readonly string[] =>
  dependencies(text)
    .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
    .map(([name, version]) => `${name}: "${version}" is not one version`);

/** Packages whose bytes nothing vouches for, or that come from elsewhere than the registry. */
export const unvouched = ({ lock }: Texts): readonly string[] =>
  Object.entries(locked(lock)).flatMap(([place, { integrity = '', resolved = registry }]) => [
    // SHA-1 is no promise any more.
    ...(integrity.startsWith('sha512-') ? [] : [`${nameAt(place)}: no SHA-512 of its bytes`]),
    ...(resolved.startsWith(registry) ? [] : [`${nameAt(place)}: comes from ${resolved}`]),
  ]);

/** Packages that would run something while they are installed, and the page gives no reason why they are here all the same. */
export const unexplained = ({ lock, page }: Texts): readonly string[] => {
  const explained = new Set(
    [...section(page, 'Install scripts').matchAll(/^- `([^`]+)`: \S/gm)].map(([, name]) => name),
  );
  return Object.entries(locked(lock))
    .filter(([place, { hasInstallScript }]) => hasInstallScript === true && !explained.has(nameAt(place)))
    .map(([place]) => `${nameAt(place)}: has an install script that the page does not explain`);
};

/** Whether .npmrc lets packages run something. The last line of a name is the one that counts. */
export const unguarded = ({ npmrc }: Texts): readonly string[] => {
  const said = [...npmrc.matchAll(/^\s*ignore-scripts\s*=\s*(\S*)\s*$/gm)].at(-1)?.[1];
  return said === 'true' ? [] : ['.npmrc: does not say ignore-scripts=true'];
};
