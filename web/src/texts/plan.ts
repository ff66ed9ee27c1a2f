/** Texts of the best mix and of where to act. */
import { marked } from './pseudo';
import type { PlanTexts } from './plan_en';
import { spokenIn } from './spoken';

export type { PlanTexts };

export const planTexts = spokenIn<PlanTexts>({
  en: async () => (await import('./plan_en')).planEn,
  ko: async () => (await import('./plan_ko')).planKo,
  uz: async () => (await import('./plan_uz')).planUz,
  ru: async () => (await import('./plan_ru')).planRu,
  pseudo: async () => marked((await import('./plan_en')).planEn),
});
