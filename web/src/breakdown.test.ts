import { describe, expect, it } from 'vitest';
import { breakdownOf } from './breakdown';

const CELL = {
  id: '다사6443',
  area_ha: 100,
  population: null,
  held: true,
  net_tco2e: 70,
  net_sd_tco2e: 10,
  buildings_tco2e: 100,
  buildings_sd_tco2e: 8,
  buildings_electricity_indirect_tco2e: 60,
  buildings_gas_direct_tco2e: 40,
  buildings_coal_direct_tco2e: 0,
  buildings_metered_share: 0.6,
  buildings_modelled_share: 0.4,
  buildings_default_share: 0,
  buildings_coverage: 1,
  buildings_illustrative: false,
  forest_tco2e: -30,
  forest_biomass_direct_tco2e: -30,
  forest_metered_share: 0,
  forest_modelled_share: 0,
  forest_default_share: 0,
  forest_illustrative: true,
};

describe('a breakdown', () => {
  it('of one sector shows its carriers, largest first, without zeros', () => {
    expect(breakdownOf(CELL, 'buildings').carriers).toEqual([
      { part: 'buildings', carrier: 'electricity', basis: 'indirect', tco2e: 60 },
      { part: 'buildings', carrier: 'gas', basis: 'direct', tco2e: 40 },
    ]);
  });

  it('of net shows all, by size whatever the sign', () => {
    expect(breakdownOf(CELL, 'net').carriers.map(({ tco2e }) => tco2e)).toEqual([60, 40, -30]);
  });

  it('never takes a total or a deviation for a carrier', () => {
    const carriers = breakdownOf(CELL, 'net').carriers.map(({ carrier }) => carrier);
    expect(carriers).toEqual(['electricity', 'gas', 'biomass']);
  });

  it('gives the 90 % interval', () => {
    expect(breakdownOf(CELL, 'net').interval).toEqual([70 - 16.45, 70 + 16.45]);
    expect(breakdownOf(CELL, 'forest').interval).toBeNull();
  });

  it('lists the sectors there are, in order, and how they were obtained', () => {
    const { parts, held, population } = breakdownOf(CELL, 'net');
    expect(parts.map(({ part }) => part)).toEqual(['buildings', 'forest']);
    expect(parts[0]?.methods).toEqual({ metered: 0.6, modelled: 0.4, default: 0 });
    expect(parts[1]).toMatchObject({ methods: null, coverage: null, illustrative: true });
    expect(held).toBe(true);
    expect(population).toBeNull();
  });

  it("says held of buildings and net only: counts of vehicles and trees are nobody's meter", () => {
    expect(breakdownOf(CELL, 'buildings').held).toBe(true);
    expect(breakdownOf(CELL, 'transport').held).toBe(false);
    expect(breakdownOf(CELL, 'forest').held).toBe(false);
  });

  it('keeps the unknown unknown', () => {
    expect(breakdownOf({ ...CELL, net_tco2e: null }, 'net')).toMatchObject({ tco2e: null, interval: null });
  });
});
