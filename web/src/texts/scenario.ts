/** Texts of the scenario panel. */
import { marked } from './pseudo';
import type { ScenarioTexts } from './scenario_en';
import { spokenIn } from './spoken';

export type { ScenarioTexts };

export const scenarioTexts = spokenIn<ScenarioTexts>({
  en: async () => (await import('./scenario_en')).scenarioEn,
  ko: async () => (await import('./scenario_ko')).scenarioKo,
  uz: async () => (await import('./scenario_uz')).scenarioUz,
  ru: async () => (await import('./scenario_ru')).scenarioRu,
  pseudo: async () => marked((await import('./scenario_en')).scenarioEn),
});
