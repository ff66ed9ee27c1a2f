/** Every word of the page in English. Every other language has the same keys, or the type check fails. */
import type { Basis, Method, Sector, Unit } from '../sectors';
import type { CollectionKind } from '../api';
import type { Manner } from '../compare';

const sectors: Record<Sector, string> = {
  net: 'Net',
  buildings: 'Buildings',
  transport: 'Transport',
  forest: 'Forest',
};

const sectorTitles: Record<Sector, string> = {
  net: 'Net emissions',
  buildings: 'Emissions of buildings',
  transport: 'Emissions of road traffic',
  forest: 'Forest removals',
};

const units: Record<Unit, string> = { t: 'tCO₂e', t_per_ha: 'tCO₂e/ha', t_per_person: 'tCO₂e/person' };
const unitChoices: Record<Unit, string> = { t: 'Total', t_per_ha: 'Per hectare', t_per_person: 'Per person' };
const unitTitles: Record<Unit, string> = {
  t: 'tonnes of CO₂ equivalent a year',
  t_per_ha: 'tonnes of CO₂ equivalent per hectare a year',
  t_per_person: 'tonnes of CO₂ equivalent per inhabitant a year',
};

const bases: Record<Basis, string> = { direct: 'direct', indirect: 'indirect' };
const baseTitles: Record<Basis, string> = {
  direct: 'burnt here',
  indirect: 'electricity or heat used here, made elsewhere',
};

const methods: Record<Method, string> = { metered: 'Metered', modelled: 'Modelled', default: 'Default' };
const methodTitles: Record<Method, string> = {
  metered: 'from meter readings or counts',
  modelled: 'from size, use, species or speed, with fitted intensities',
  default: 'from a published default value',
};

const kinds: Record<CollectionKind, string> = { grid: 'Grid cell', zones: 'Zone', hexagons: 'Hexagon' };

/** Carriers by their name in the columns; one that is not listed shows its own name. */
const carriers: Record<string, string> = {
  electricity: 'Electricity',
  gas: 'Gas',
  heat: 'District heat',
  oil: 'Heating oil',
  lpg: 'Bottled gas (LPG)',
  coal: 'Coal',
  wood: 'Wood',
  petrol: 'Petrol',
  diesel: 'Diesel',
  biomass: 'Forest growth',
};

export const en = {
  languageName: 'English',
  languageShort: 'EN',
  title: 'Carbon map',
  pageTitle: (region: string) => `${region} · Carbon map`,
  tagline: 'CO₂e of buildings, roads and forest',
  skip: 'Skip to the map',
  controls: 'Choose what the map shows',
  region: 'Region',
  sector: 'Sector',
  year: 'Year',
  unit: 'Unit',
  area: 'Shown by',
  areaAuto: 'Auto',
  areaAutoNow: (grid: string) => `Automatic: ${grid} at this zoom`,
  grids: 'Grid',
  zones: 'Districts and zones',
  language: 'Language',
  showControls: 'Show controls',
  hideControls: 'Hide controls',
  cellSize: (metres: number) => (metres >= 1000 ? `${metres / 1000} km` : `${metres} m`),
  sectors,
  sectorTitles,
  units,
  unitChoices,
  unitTitles,
  bases,
  baseTitles,
  methods,
  methodTitles,
  kinds,
  carriers,

  map: 'Map',
  mapHelp: 'Arrow keys move, plus and minus zoom, Enter opens the place at the centre.',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  wholeRegion: 'Show the whole region',
  loadingMap: 'Loading the map …',
  tooFar: (what: string) => `Zoom in to see ${what}`,

  legend: 'Legend',
  below: (to: string) => `below ${to}`,
  from: (from: string) => `${from} and more`,
  between: (from: string, to: string) => `${from} to ${to}`,
  /** Short names of the outermost classes, where there is no room for more. */
  belowShort: (to: string) => `<${to}`,
  fromShort: (from: string) => `${from}+`,
  zero: '0',
  unknown: 'Not known',
  held: 'Replaced to protect privacy',
  removals: 'Removals',
  emissions: 'Emissions',
  empty: 'Nothing is known here',
  emptyDetail: 'This table holds no numbers for the chosen sector, unit and year. Choose another.',
  emptyNet: 'Net needs every sector, and no place here is covered by all of them. Choose one sector.',
  sectorAbsent: 'not in this region',

  synthetic: 'Synthetic data',
  syntheticDetail: 'An invented place: no number is real.',
  illustrative: 'Illustrative',
  illustrativeDetail: (sectors: string) =>
    `Based on this region’s own assumptions where no published value was found: ${sectors}.`,
  illustrativeHere: 'Based in part on this region’s own assumptions, where no published value was found.',

  close: 'Close',
  perYear: (year: number) => `in ${year}`,
  interval: (low: string, high: string) => `90 % interval: ${low} to ${high}`,
  intervalShort: '90 % interval',
  bySector: 'By sector',
  byCarrier: 'By energy carrier',
  nothingHere: 'No emissions and no removals here.',
  howObtained: 'How it was obtained',
  coverage: (share: string) =>
    `Sources cover ${share} of this place for this sector; the rest is not counted.`,
  incomplete:
    'The source does not claim to be complete here: what it holds is counted, and there may be more.',
  notCovered: 'No source covers this place: its value is not known, which is not zero.',
  netUnknown: 'Net is not known here, since not every sector is covered.',
  heldTitle: 'Replaced to protect privacy',
  heldDetail:
    'Too few metered buildings stand here, or one dominates. The metered part is replaced by its share of a larger group, by modelled intensity, so that totals still add up on every level.',
  population: 'Population',
  landArea: 'Land area',
  hectares: 'ha',
  perHectare: 'Per hectare',
  perPerson: 'Per person',
  dataLink: 'This place as data (JSON)',
  edition: 'Edition',
  licence: (name: string) => `(${name})`,

  away: 'The map server does not answer',
  awayDetail: 'We ask again by ourselves, and go on when it is back.',
  retry: 'Try now',
  refused: 'The server could not answer this',
  malformed: 'The server answered in a way this page does not understand',
  malformedDetail: 'Reload the page: it may be older than the server.',
  noRegions: 'No region is published yet',
  noRegionsDetail: 'Build one and it appears here: carbonmap demo, or carbonmap build REGION.',
  noWebgl: 'This browser cannot draw the map',
  noWebglDetail:
    'The map needs WebGL 2. Switch on hardware acceleration, or use a current browser. The numbers are there as data:',
  itemMissing: 'There is no such place in this table',

  search: {
    label: 'Find a place, code or coordinates',
    hint: 'A name in any language, a cell code, or latitude and longitude. The key / leads here.',
    found: 'Places found',
    count: (places: number, more: boolean) => (more ? `${places} places, and more` : `${places} places`),
    asking: 'Searching …',
    nothing: 'Nothing found. Try a part of the name, a cell code, or 37.33, 127.13.',
  },

  table: {
    open: 'Table',
    close: 'Close the table',
    place: 'Place',
    held: 'protected',
    help: 'Sort by the buttons in the head. Arrow keys go from row to row, Page Up and Page Down turn pages, Enter opens the place.',
    before: 'Previous page',
    after: 'Next page',
    loading: 'Loading …',
    rows: (first: string, last: string, total: string) => `${first} to ${last} of ${total}`,
  },

  measure: {
    open: 'Measure an area',
    title: 'Your area',
    outline: 'Drawn or brought outline',
    together: (zones: number, what: string) => `${what}: ${zones} together`,
    intro:
      'How much is emitted and removed within an area of your own? Draw it, bring it as a file, or put zones together.',
    draw: 'Draw on the map',
    file: 'Open a GeoJSON file',
    fileHelp:
      'Or drop the file on this page. It is sent to this map’s own server, which keeps nothing of it.',
    fromList: 'Choose zones from a list',
    zoneSet: 'Kind of zones',
    filterZones: 'Part of a name',
    sumChosen: (zones: number) => (zones === 0 ? 'Choose zones first' : `Add up ${zones}`),
    corners: (corners: number) =>
      corners === 0
        ? 'Click the first corner on the map.'
        : `${corners} corners. Three or more make an area.`,
    drawHelp:
      'Click the first corner again, or double-click, to finish. With the keyboard: arrow keys move the map, Enter sets a corner at the cross, Backspace takes one away.',
    finish: 'Finish',
    undo: 'Take back a corner',
    cancel: 'Cancel',
    another: 'Measure another area',
    counted: (cells: string, what: string) => `From ${cells} of: ${what}.`,
    partly: (cells: string) => `${cells} lie on the border and count by the part of their area.`,
    heldCells: (cells: string) => `${cells} are replaced to protect privacy.`,
    intervalAtMost: 'At most: errors of all cells are added as if they went together.',
    noLink: 'This outline has too many corners for a link: the address leaves it out.',
    brokenLink: 'The outline in this link cannot be read. Draw it anew.',
    refusals: {
      'no-json': 'This file is not GeoJSON: it could not be read as JSON. Save it as GeoJSON and try again.',
      'no-polygon': 'This file has no polygon with an area. Lines and points cannot be measured.',
      'other-crs':
        'This file is not in longitude and latitude (WGS 84). Convert it to EPSG:4326 and try again.',
      'too-large': 'This file is too large: at most 2 MB and 10,000 corners. Simplify it and try again.',
    },
  },

  receipt: {
    ask: 'Where does this number come from?',
    back: 'Back to the overview',
    title: 'Where this number comes from',
    missing: 'This server keeps no receipts for this edition.',
    features: (count: string) => `features: ${count}`,
    assuming: 'assuming',
    notShown: 'not shown',
    closed: 'Meters that are not public, as one sum',
    closedDetail: 'Told neither one by one nor by factor. Factors of this carrier in the region:',
    withheld: 'Carriers that are not shown one by one:',
    chosen: (how: string) => `Chosen: ${how}`,
    factors: (count: number) => `Factors (${count})`,
    assumptions: (count: number) => `Assumptions (${count})`,
    files: (count: number) => `Source files (${count})`,
    bytes: (count: string) => `${count} bytes`,
    open: 'open',
    notOpen: 'not open',
    page: 'This receipt as a page to print',
  },

  card: {
    partOf: 'Part of',
    intervalWords: (half: string | null) =>
      `Nine times in ten the true value lies in it${half === null ? '.' : `: about ± ${half}.`}`,
    trend: 'Over the years',
    trendLabel: (what: string) => `${what} over the years, in tonnes of CO₂ equivalent a year`,
    change: (share: string, year: number) => `${share} since ${year}`,
    changeAmount: (amount: string, year: number) => `${amount} t since ${year}`,
    changeNone: (year: number) => `The same as in ${year}.`,
    changeUnclear: (year: number) => `No clear change since ${year}: the intervals overlap.`,
    rank: 'Rank',
    rankOf: (rank: string, of: string) => `No. ${rank} of ${of}`,
    rankWithin: (parent: string) => `within ${parent}`,
    rankEmissions: 'highest emissions first',
    rankRemovals: 'strongest removal first',
    shareOfEmissions: 'share of all that is emitted here',
    directIndirect: 'Direct and indirect',
    bases: { direct: 'Direct', indirect: 'Indirect' } satisfies Record<Basis, string>,
    whichAssumptions: 'Which assumptions make this illustrative?',
  },

  compare: {
    open: 'Compare',
    title: 'Comparison',
    with: 'Compare with',
    how: 'How to show both',
    manners: { swipe: 'Swipe', side: 'Side by side', difference: 'Difference' } satisfies Record<
      Manner,
      string
    >,
    sides: (left: string, right: string) => `Left ${left}, right ${right}`,
    differenceOf: (now: string, before: string) => `${now} less ${before}`,
    difference: 'Difference',
    indistinct: 'not distinguishable',
    indistinctLegend: 'Difference not distinguishable: intervals overlap',
    divider: 'Divider between the two maps',
    cutText: (name: string, share: string) => `${name} on ${share} of the map`,
    otherLegend: (what: string) => `Colours of the left side: ${what}`,
    end: 'End the comparison',
  },

  explore: {
    part: 'Part',
    partAll: 'Everything',
    byCarrier: 'By energy carrier',
    byBasis: 'By where it is emitted',
    byMethod: 'By how it was obtained',
    partTitle: (whole: string, part: string) => `${whole}: ${part}`,
    administrative: 'Administrative areas',
    zoning: 'Zoning',
    otherZones: 'Other zones',
    hexagons: 'Hexagons',
    play: 'Play the years',
    pause: 'Stop playing',
    display: 'Display',
    breaks: 'Classes',
    breaksChoices: {
      auto: 'Automatic',
      quantile: 'Quantiles: as many places in each',
      jenks: 'Natural breaks (Jenks)',
      equal: 'Equal steps',
      ratio: 'Equal ratios (logarithmic)',
    },
    breaksNote: 'One set of classes for all years, so that colours compare.',
    doubt: 'Uncertain values',
    doubtChoices: { hatch: 'Dotted', fade: 'Faded', off: 'Not marked' },
    doubtNote: 'Intervals are published of whole sectors only.',
    doubtful: 'Uncertain: may be off by half or more',
    doubtfulSign: 'Uncertain: may as well be zero',
    tall: 'Columns in 3D',
    opacity: 'Opacity',
    ground: 'Appearance',
    groundChoices: { auto: 'As the device', light: 'Light', dark: 'Dark' },
    histogram: 'Number of places by value',
    onlyLow: 'Show only values from',
    onlyHigh: 'Show only values up to',
    onlyAll: 'Show all values',
    outside: (region: string) => `Nothing of ${region} is in view`,
    keys: 'Keyboard shortcuts',
    keysOn: 'Use single-key shortcuts',
    keysOff: 'Single-key shortcuts are switched off.',
    keyTexts: {
      help: 'This list',
      sector: 'Sector: net, buildings, transport, forest',
      year: 'Year before, year after',
      play: 'Play or stop the years',
      unit: 'Next unit',
      area: 'Coarser, finer',
      doubt: 'Uncertain values: dotted, faded, not marked',
      tall: 'Columns in 3D',
      ground: 'Light or dark',
      region: 'The whole region',
      find: 'Find a place',
      move: 'Move the map (when it has the focus)',
      zoom: 'Zoom in, zoom out',
      open: 'Open the place at the centre',
      close: 'Close what is open',
    },
    or: 'or',
  },
};

export type Texts = typeof en;
