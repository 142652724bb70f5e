import { placesOf } from '../path/topology.js';
import type { Descriptor } from '../route/descriptor.js';
import type { Network } from '../route/network.js';
import { operatorIn, staysIn } from '../route/standing.js';
import { type Html, html } from './html.js';
import { percentText, spanText } from './words.js';

// Everything here stands in the list of nodes, which all nodes and clients have.

/** With more nodes than these in the list layers are drawn, not nodes. */
const mostDrawn = 60;
/** Rows of the table. */
const mostRows = 200;
const longestName = 16;

const [columnWidth, rowHeight, head, margin] = [250, 46, 30, 4];
/** Of what a node is drawn as. */
const [boxWidth, boxHeight, radius] = [172, 38, 7];

/** Where a node is drawn: the corner of its box. */
interface Spot {
  readonly node: Descriptor;
  readonly x: number;
  readonly y: number;
}

const shortened = (name: string, most = longestName): string =>
  name.length <= most ? name : `${name.slice(0, most - 1)}…`;

const spotsOf = (columns: readonly (readonly Descriptor[])[]): readonly Spot[] =>
  columns.flatMap((nodes, column) =>
    nodes.map((node, row) => ({
      node,
      x: margin + column * columnWidth,
      y: head + margin + row * rowHeight,
    })),
  );

const spotOf = (network: Network, { node, x, y }: Spot, own: string | undefined): Html => {
  const isOwn = node.name === own;
  const kinds = [
    isOwn ? 'own' : '',
    node.roles.includes('exit') ? 'exit' : 'mix',
    staysIn(network, node) ? '' : 'leaving',
  ].filter((kind) => kind !== '');
  const operator = operatorIn(network, node);
  return html`<g class="node ${kinds.join(' ')}">
    <rect x="${x}" y="${y}" width="${boxWidth}" height="${boxHeight}" rx="5" />
    <circle cx="${x + 14}" cy="${y + boxHeight / 2}" r="${radius}" />
    <text class="name" x="${x + 28}" y="${y + 16}">${shortened(node.name)}${isOwn ? ' (this node)' : ''}</text>
    <text class="operator" x="${x + 28}" y="${y + 31}">${shortened(operator, 22)}</text>
  </g>`;
};

/** Three columns where there are no layers: there is no order in them. */
const inColumns = (nodes: readonly Descriptor[]): readonly (readonly Descriptor[])[] => {
  const size = Math.ceil(nodes.length / 3);
  return [0, 1, 2].map((column) => nodes.slice(column * size, (column + 1) * size)).filter(({ length }) => length > 0);
};

const drawing = (network: Network, own: string | undefined): Html => {
  const places = placesOf(network);
  const columns = places?.layers ?? inColumns(network.nodes);
  const spots = spotsOf(columns);
  const byId = new Map(spots.map((spot) => [spot.node.nodeId, spot]));
  const ways = spots.flatMap(({ node, x, y }) =>
    (places?.successors(node.nodeId) ?? []).flatMap((next) => {
      const to = byId.get(next.nodeId);
      // From the last layer packets go out, and only loops back to the first.
      return to === undefined || to.x <= x
        ? []
        : [
            html`<line
              class="way"
              x1="${x + boxWidth}"
              y1="${y + boxHeight / 2}"
              x2="${to.x}"
              y2="${to.y + boxHeight / 2}"
            />`,
          ];
    }),
  );
  const rows = Math.max(...columns.map(({ length }) => length));
  const size = {
    width: 2 * margin + (columns.length - 1) * columnWidth + boxWidth,
    height: head + 2 * margin + (rows - 1) * rowHeight + boxHeight,
  };
  const about =
    places === undefined
      ? `${network.nodes.length} nodes; any may follow any other.`
      : `${network.nodes.length} nodes in ${columns.length} layers of ${columns.map(({ length }) => length).join(', ')}, with the ways from layer to layer.`;
  return html`<svg
    viewBox="0 0 ${size.width} ${size.height}"
    width="${size.width}"
    role="img"
    aria-label="Map of the network: ${about} The table below has the same."
  >
    ${places && columns.map((_, i) => html`<text class="layer" x="${margin + i * columnWidth}" y="18">Layer ${i + 1}</text>`)}
    ${ways} ${spots.map((spot) => spotOf(network, spot, own))}
  </svg>`;
};

const operatorsIn = (network: Network, nodes: readonly Descriptor[]): number =>
  new Set(nodes.map((node) => operatorIn(network, node))).size;

const layersOnly = (network: Network): Html => {
  const layers = placesOf(network)?.layers;
  if (layers === undefined)
    return html`<p>${network.nodes.length} nodes are too many to be drawn; any may follow any other.</p>`;
  return html`<p>${network.nodes.length} nodes are too many to be drawn one by one.</p>
    <ul>
      ${layers.map((nodes, i) => html`<li>Layer ${i + 1}: ${nodes.length} nodes at ${operatorsIn(network, nodes)} providers</li>`)}
    </ul>`;
};

const placeText = (network: Network, node: Descriptor): string => {
  if (!staysIn(network, node)) return 'leaving';
  const places = placesOf(network);
  if (places === undefined) return 'any';
  const layer = places.layerOf(node.nodeId);
  return layer === undefined ? 'none' : `${layer}`;
};

const rowOf = (network: Network, node: Descriptor, own: string | undefined): Html => {
  const { deliveredPerMille, medianMs } = network.standings.get(node.nodeId) ?? {};
  return html`<tr>
    <th scope="row">${node.name}${node.name === own ? ' (this node)' : ''}</th>
    <td>${placeText(network, node)}</td>
    <td>${node.roles.join(', ')}</td>
    <td>${operatorIn(network, node)}</td>
    <td>${deliveredPerMille === undefined ? 'unknown' : percentText(deliveredPerMille / 1000)}</td>
    <td>${medianMs === undefined ? 'unknown' : spanText(medianMs)}</td>
  </tr>`;
};

const table = (network: Network, own: string | undefined): Html => {
  const over = network.nodes.length - mostRows;
  return html`<details id="map-nodes">
      <summary>All nodes as a table</summary>
      <div class="scroll" role="region" aria-label="All nodes" tabindex="0">
        <table>
          <thead>
            <tr>
              ${['Node', 'Layer', 'Roles', 'Provider', 'Arrives', 'Takes'].map((word) => html`<th scope="col">${word}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${network.nodes.slice(0, mostRows).map((node) => rowOf(network, node, own))}
          </tbody>
        </table>
      </div>
    </details>
    ${over > 0 ? html`<p>And ${over} more: <code>mixmailer network</code> shows all.</p>` : undefined}`;
};

/** The nodes of the list, by layer and provider. @param own name of the node whose page it is */
export const mapOf = (network: Network, own: string | undefined): Html =>
  html`${
    network.nodes.length > mostDrawn
      ? layersOnly(network)
      : html`<div class="scroll" role="region" aria-label="Map of the network" tabindex="0">
            ${drawing(network, own)}
          </div>
          <ul class="legend">
            <li class="mix">mix</li>
            <li class="exit">exit</li>
            ${network.nodes.every((node) => staysIn(network, node)) || placesOf(network) !== undefined ? undefined : html`<li class="leaving">leaving</li>`}
          </ul>`
  }${table(network, own)}`;
