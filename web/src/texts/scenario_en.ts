/** Every word of the scenario panel in English; it comes with the panel. Every other language has the same keys. */
import type { Card, Form } from '../scenario/kinds';
import type { ScenarioMap } from '../state';

const forms: Record<Form, string> = {
  trend: 'Trend',
  compact: 'Compact',
  polycentric: 'Polycentric',
  sprawl: 'Sprawl',
};
const formDetails: Record<Form, string> = {
  trend: 'Newcomers settle where people already are.',
  compact: 'Dense places near jobs fill up first.',
  polycentric: 'Newcomers gather around several centres.',
  sprawl: 'Newcomers spread evenly over thin ground.',
};

const kinds: Record<Card, string> = {
  growth: 'Growth of the city',
  streets: 'Finer street network',
  green_loss: 'Loss of green',
  modal_shift: 'From car to other modes',
  freight: 'Freight consolidation',
  retrofit: 'Building retrofit',
  speed: 'Driving speed',
  heat_pump: 'Heat pumps',
  electric_vehicles: 'Electric vehicles',
  electricity_factor: 'Cleaner electricity',
  rooftop_pv: 'Rooftop solar',
  afforestation: 'New forest',
  street_trees: 'Street trees',
  park: 'New parks',
  car_free_area: 'Car-free area',
  road_closure: 'Closed roads',
  road_speed: 'Speed on roads',
  road_lanes: 'Lanes',
  new_road: 'New road',
  density: 'More people and jobs here',
  use_change: 'Change of use',
  transit_stops: 'New transit line or stops',
};
const abouts: Record<Card, string> = {
  growth: 'People and jobs that come or move, in one urban form.',
  streets: 'More junctions per area shorten detours, so that more is walked.',
  green_loss: 'A part of the green, and of what it takes up, is lost.',
  modal_shift: 'A part of residents’ car travel moves to walking, cycling or transit.',
  freight: 'A part of van and lorry traffic is pooled.',
  retrofit: 'A part of the buildings is insulated and needs less heat.',
  speed: 'Emissions per km follow the mean speed.',
  heat_pump: 'A part of the heating by fossil fuels goes to heat pumps.',
  electric_vehicles: 'A part of the car km becomes electric.',
  electricity_factor: 'The grid’s emission factor moves to its target; in the whole region.',
  rooftop_pv: 'A part of the roofs that can bear modules gets them.',
  afforestation: 'Forest on ground that is not green yet.',
  street_trees: 'Trees along streets where people live and work.',
  park: 'Parks on ground that is not green yet.',
  car_free_area: 'Cars leave its roads; who lives there walks to the next open road.',
  road_closure: 'Roads that you pick, or that touch the area, are closed.',
  road_speed: 'Mean speed of roads that you pick, or in the area; trips seek the quickest way.',
  road_lanes: 'Lanes added or taken, both directions together.',
  new_road: 'A road that you draw; its ends join the nearest roads.',
  density: 'People and jobs that come to the area, as they are spread there today.',
  use_change: 'Floor area of one use gets the other one; people and jobs stay.',
  transit_stops: 'Stops near homes and jobs: more goes by transit.',
};

/** What a knob moves, by its field. */
const knobs: Record<string, string> = {
  level: 'Share',
  people: 'New people',
  jobs: 'New jobs',
  moved_people: 'People who move within the region',
  moved_jobs: 'Jobs that move within the region',
  change: 'Change of junctions per area',
  after_kmh: 'New speed, km/h',
  before_kmh: 'Speed today, km/h',
  hectares: 'Area, ha',
  trees: 'Trees',
  kmh: 'New speed, km/h',
  lanes: 'Lanes more or fewer',
  spacing_m: 'Between stops, m',
};

const stages: Record<string, string> = {
  form: 'form',
  roads: 'roads',
  demand: 'demand',
  efficiency: 'efficiency',
  switch: 'fuel switch',
  supply: 'supply',
  sink: 'sinks',
};

const indicators: Record<string, string> = {
  mean_trip_length_km: 'Mean trip, km',
  population: 'People',
  jobs: 'Jobs',
  people_per_ha: 'Density people live in, per ha',
  access_jobs: 'Jobs within reach',
  green_m2_per_person: 'Green, m² per person',
};

const confidences: Record<string, string> = { high: 'high', medium: 'medium', low: 'low', none: 'none' };
const statuses: Record<string, string> = {
  found: 'published',
  derived: 'derived',
  background: 'background',
  illustrative: 'illustrative',
  gap: 'to be given by you',
  given: 'given by you',
};

/** What a parameter is, by its id; one that is not listed shows the server’s own words. */
const parameters: Record<string, string> = {
  'forms.nearness': 'Distance of newcomers to a centre, beside that of people today',
  'forms.density_quantile': 'Quantile of today’s densities up to which places are filled',
  'forms.sprawl_quantile': 'Quantile of today’s densities up to which sprawl fills places',
  'forms.floor_area_ratio': 'Floor area per ground of new development',
  'access.trip_length': 'Mean trip length, km',
  'access.smoothing': 'Radius over which density and mix are taken, km',
  'state.resident_share': 'Residents’ part of car traffic',
  'state.storeys': 'Mean storeys of buildings',
  'retrofit.saving': 'Heating energy that a retrofit saves',
  'retrofit.rebound': 'Part of the saving taken back as comfort',
  'retrofit.fuel_heat_share': 'Part of fuel and heat that serves heating',
  'retrofit.electric_heat_share': 'Part of electricity that serves heating',
  'heat_pump.boiler_efficiency': 'Efficiency of the boilers replaced',
  'heat_pump.scop': 'Heat per electricity over a season (SCOP)',
  'pv.yield': 'Electricity per kWp and year, kWh',
  'pv.roof_share': 'Part of roofs that can bear modules',
  'pv.power_density': 'Power per module area, kWp/m²',
  'electricity.target_factor': 'Emission factor of electricity in the target year, tCO₂e/MWh',
  'ev.charging_loss': 'Electricity lost in charging',
  'ev.car': 'Electricity of an electric car, kWh/km',
  'ev.lgv': 'Electricity of an electric van, kWh/km',
  'ev.hgv': 'Electricity of an electric lorry, kWh/km',
  'ev.bus': 'Electricity of an electric bus, kWh/km',
  'modal_shift.other_mode': 'Emissions of the other mode, beside the car’s',
  'freight.saving': 'Part of lorry and van km saved',
  'afforestation.years': 'Years until new forest takes up in full',
  'afforestation.uptake': 'Uptake of grown forest, tCO₂/ha a year',
  'trees.years': 'Years until a tree takes up in full',
  'trees.uptake': 'Uptake per crown area, tCO₂/ha a year',
  'trees.crown': 'Crown of a street tree, m²',
  'park.crown_share': 'Part of a park under crowns',
};

const maps: Record<ScenarioMap, string> = { change: 'Change', swipe: 'Before | after', off: 'Off' };

export const scenarioEn = {
  kind: 'What if',
  name: 'Name',
  unnamed: (letter: string) => `Scenario ${letter}`,
  tabs: 'Scenarios',
  copy: 'Compare with a copy',
  drop: (name: string) => `Remove ${name}`,
  running: 'Working it out …',
  intro:
    'Choose how the city grows, or a measure, and move its slider. Map, totals and chart follow at once.',
  net: (year: number) => `Net emissions in ${year}`,
  change: (amount: string, share: string) => `${amount} tCO₂e a year (${share}) against today`,
  nothing: 'As today: nothing is changed yet.',
  against: (year: number) => `Today is the edition’s year ${year}.`,
  interval: (low: string, high: string) => `Change, 90% interval: ${low} to ${high}`,
  range: (low: string, high: string) =>
    `Range between two sets of travel elasticities: ${low} to ${high} (no interval)`,
  leaves: (amount: string) => `On roads outside the region, in no cell: ${amount} tCO₂e a year`,
  illustrative: 'Rests on illustrative numbers, or on yours',
  illustrativeDetail: 'At least one number behind this result has no published source.',
  whatIf: 'What if, not a forecast.',

  path: 'Path to the target year',
  pathLabel: (from: number, to: number) => `Net emissions from ${from} to ${to}, tCO₂e a year`,
  pathRange: 'range between elasticity sets',
  pathInterval: '90% interval',
  pathTarget: 'target',
  pathToday: 'today',
  targetYear: 'Target year',
  target: 'Target',
  targetHelp: 'Net emissions below today’s, in percent',
  targetMet: (by: string) => `The target is reached, with ${by} tCO₂e to spare.`,
  targetMissed: (by: string) => `${by} tCO₂e are missing to the target.`,

  bySector: 'What changes, by sector',
  growth: 'How the city grows',
  growthHelp: (people: string) =>
    `One click: a tenth more people and jobs (${people} people); then move the sliders.`,
  forms,
  formDetails,
  measures: 'Measures, in the order in which they act',
  noMeasures: 'No measure yet: choose one below.',
  add: 'Add a measure',
  added: (name: string) => `${name} is added.`,
  full: (most: number) => `A scenario takes ${most} measures at most.`,
  groups: {
    buildings: 'Buildings',
    transport: 'Transport',
    forest: 'Green and forest',
    roads: 'Roads',
    form: 'Urban form',
  },
  kinds,
  abouts,
  otherKind: 'A measure that this page has no sliders for; it counts nevertheless.',
  knobs,
  stages,
  stage: (name: string) => `Stage: ${name}`,
  remove: (name: string) => `Remove ${name}`,
  details: 'Where, when, assumptions, costs',
  effect: 'Effect',
  firstIn: 'Alone',
  lastIn: 'On top of all others',
  effectHelp:
    'tCO₂e a year: when its turn comes, alone, and on top of all others. A step acts on what those before it left.',
  asks: (count: number) =>
    count === 1
      ? 'Asks you for one number; until then it is left out.'
      : `Asks you for ${count} numbers; until then it is left out.`,
  quantity: (amount: string, unit: string) => `Put in place: ${amount} ${unit}`,

  where: 'Where',
  everywhere: 'Whole region',
  drawn: 'A drawn area',
  zones: (what: string, count: number) => `${what}: ${count === 1 ? '1 zone' : `${count} zones`}`,
  draw: 'Draw',
  pick: 'Pick zones',
  nextWhere: 'New measures act here',
  useZones: (count: number) => (count === 1 ? 'Use 1 zone' : `Use ${count} zones`),
  pickHelp: 'Click zones on the map, or tick them here.',
  pickNearer: 'Zoom in to click zones on the map, or tick them here.',
  pickRoads: 'Pick roads',
  roadsHere: 'Click a road on the map.',
  pickedRoads: (count: number, km: string) =>
    count === 1 ? `1 road picked, ${km} km` : `${count} roads picked, ${km} km`,
  pickRoadsHelp:
    'Click again to give a road back. With the keyboard: arrow keys move the map, Enter picks the road at the cross.',
  noRoadNear: 'No road that cars use is near there.',
  road: (km: string, kmh: string | null, aadt: string | null) =>
    [`${km} km`, kmh === null ? '' : `${kmh} km/h`, aadt === null ? '' : `${aadt} vehicles a day`]
      .filter((part) => part !== '')
      .join(' · '),
  dropRoad: (km: string) => `Give back the road of ${km} km`,
  useRoads: (count: number) => (count === 1 ? 'Use 1 road' : `Use ${count} roads`),
  namedRoads: (count: number) => (count === 1 ? '1 road' : `${count} roads`),
  drawnLine: 'A drawn line',
  drawnStops: (count: number) => (count === 1 ? '1 stop' : `${count} stops`),
  drawAgain: 'Draw it again',
  lineWords: {
    corners: (count: number) =>
      count === 0
        ? 'Click or tap where the line begins.'
        : `${count} ${count === 1 ? 'place' : 'places'}. Two or more make a line.`,
    help: 'Double-click to finish. With the keyboard: arrow keys move the map, Enter sets a place at the cross, Backspace takes one away.',
    undo: 'Take back a place',
  },
  stopWords: {
    corners: (count: number) =>
      count === 0 ? 'Click or tap where a stop is.' : `${count} ${count === 1 ? 'stop' : 'stops'}.`,
    help: 'With the keyboard: arrow keys move the map, Enter sets a stop at the cross, Backspace takes one away.',
    undo: 'Take back a stop',
  },
  stopsUnknown:
    'The edition does not tell today’s stops. Mark them first: new ones help only where none is near.',
  stopsThere: (count: number) => `${count} of today’s stops ${count === 1 ? 'is' : 'are'} marked.`,
  stopsTold: (count: number) => `Stops of today that the edition tells: ${count}.`,
  stopsInstead: (count: number) => `They are taken instead of the ${count} that the edition tells.`,
  unmarkStops: 'Take the edition’s',
  stopsThereHelp: 'Stops that there are today:',
  markStops: 'Mark today’s stops',
  drawLine: 'Draw the new line',
  setStops: 'Set new stops',
  useChange: 'Floor area of',
  useChanges: ['homes becomes workplaces', 'workplaces becomes homes'],
  start: 'Begins in',
  atOnce: 'at once',
  ramp: 'Years until complete',
  parameters: 'Assumptions',
  wholeScenario: 'Assumptions of the whole scenario',
  parameterNames: parameters,
  default: (value: string) => `default ${value}`,
  noDefault: 'no published number',
  limits: (low: string, high: string) => `${low} to ${high} may be given`,
  likely: (low: string, high: string) => `95% range ${low} to ${high}`,
  unitNone: 'as a share',
  source: 'Source',
  confidence: 'confidence',
  confidences,
  statuses,
  costs: 'Costs (yours)',
  capital: 'Investment per unit',
  runningCost: 'Running cost per unit and year',
  lifetime: 'Lifetime, years',
  discount: 'Discount rate, %',
  currency: 'Currency',
  costPerYear: (amount: string, currency: string) => `${amount} ${currency} a year`,
  costPerTonne: (amount: string, currency: string) => `${amount} ${currency} per tCO₂e`,
  costUnit: (unit: string) => `The unit is ${unit}.`,

  roadsHelp:
    'Pick roads on the map, or draw an area first. Road measures are timed on the network, which takes some seconds.',
  onRoads: (share: string) => `Trips are being laid on the road network: ${share}`,

  plan: 'Let it be found',
  plans: { mix: 'Best mix', where: 'Where to act' },
  planAbouts: {
    mix: 'Measures, levels and places, for a target or a budget.',
    where: 'Where emissions are dense beyond chance.',
  },

  map: 'On the map',
  maps,
  before: 'before',
  after: 'after',
  less: 'less',
  more: 'more',
  mapTitle: 'Change of emissions',
  mapUnit: 'tCO₂e/ha a year',
  divider: 'Divider between before and after',
  outsideCells: 'Cells are of today’s table; a place that it does not list does not change.',

  indicators: 'What the city is like',
  indicatorNames: indicators,

  comparison: 'Side by side',
  best: 'lowest',

  share: 'Share, save, print',
  link: 'Copy link',
  copied: 'The link is copied. Whoever opens it sees this scenario.',
  notCopied: 'Copy the address of this page instead.',
  tooLong: 'The drawn areas are too long for a link: save the scenario, or export it as a file.',
  save: 'Save',
  saveNext: 'Save as next version',
  key: 'Planner’s key',
  keyHelp: 'Given by whoever runs this server. It is used once and not kept.',
  saved: (version: number) => `Saved as version ${version}. The link now leads to it.`,
  savedAs: (version: number) => `Version ${version} of a saved scenario`,
  damaged:
    'This link is damaged: its scenario could not be read, and an empty one stands in its place. Ask whoever sent it for the whole link.',
  damagedSome: 'A part of this link is damaged: a scenario that could not be read is empty here.',
  otherEdition: (saved: string, now: string) =>
    `Saved on edition ${saved}; worked out here on ${now}, so that its numbers may differ.`,
  asSaved: 'Show it on that edition',
  changedSince: 'changed since',
  export: 'Export (JSON)',
  import: 'Import',
  importRefused: 'This file is no scenario: expected JSON with a year and measures.',
  report: 'Report',
  missing: 'This scenario is not kept here any more.',
  notes: 'What to know of these numbers',
  notRun: 'The scenario could not be worked out as it stands',

  reportTitle: (name: string, region: string) => `${name}: a scenario for ${region}`,
  reportSummary: 'In short',
  reportMaps: 'Where it changes',
  reportAssumptions: 'Assumptions',
  reportSectors: { before: 'today', change: 'change', after: 'then' },
  reportNotes: 'Limits',
  reportLink: 'This scenario on the map',
};

export type ScenarioTexts = typeof scenarioEn;
