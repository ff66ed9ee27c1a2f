import { describe, expect, it } from 'vitest';
import { columnsOf, partChoices, termsOf, writtenTerms } from './quantity';

const COLUMNS = [
  'net_tco2e',
  'buildings_tco2e',
  'transport_tco2e',
  'buildings_electricity_indirect_tco2e',
  'buildings_gas_direct_tco2e',
  'transport_electricity_indirect_tco2e',
  'transport_diesel_direct_tco2e',
  'buildings_sd_tco2e',
  'buildings_metered_share',
  'buildings_modelled_share',
  'transport_metered_share',
];

describe('parts of a sector', () => {
  it('are those that its columns tell', () => {
    expect(partChoices('buildings', COLUMNS)).toEqual({
      carriers: ['electricity', 'gas'],
      bases: ['direct', 'indirect'],
      methods: ['metered', 'modelled'],
    });
    expect(partChoices('net', COLUMNS).carriers).toEqual(['electricity', 'gas', 'diesel']);
    expect(partChoices('forest', COLUMNS)).toEqual({ carriers: [], bases: [], methods: [] });
  });

  it('are sums of columns, methods by their share', () => {
    expect(writtenTerms(termsOf('net', null, COLUMNS) ?? [])).toBe('net_tco2e');
    expect(writtenTerms(termsOf('net', 'electricity', COLUMNS) ?? [])).toBe(
      'buildings_electricity_indirect_tco2e,transport_electricity_indirect_tco2e',
    );
    expect(writtenTerms(termsOf('buildings', 'direct', COLUMNS) ?? [])).toBe('buildings_gas_direct_tco2e');
    const metered = termsOf('net', 'metered', COLUMNS) ?? [];
    expect(writtenTerms(metered)).toBe(
      'buildings_tco2e*buildings_metered_share,transport_tco2e*transport_metered_share',
    );
    expect(columnsOf(metered)).toHaveLength(4);
  });

  it('are nothing where the columns do not tell them', () => {
    expect(termsOf('buildings', 'coal', COLUMNS)).toBeNull();
    expect(termsOf('buildings', 'default', COLUMNS)).toBeNull();
    expect(termsOf('forest', 'direct', COLUMNS)).toBeNull();
  });
});
