// VitePress's own theme, with the top of the home page and the playground.

import type { Theme } from "vitepress";
import DefaultTheme from "vitepress/theme-without-fonts";
import { h } from "vue";
import Hero from "./Hero.vue";
import Playground from "./Playground.vue";
import "./style.css";

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { "home-hero-before": () => h(Hero) }),
  enhanceApp({ app }) {
    app.component("Playground", Playground);
  },
} satisfies Theme;
