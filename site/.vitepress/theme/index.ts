// VitePress' own theme without its fonts, in the colours of this site, with the live pages as components.

import "uplot/dist/uPlot.min.css";
import type { Theme } from "vitepress";
import DefaultTheme from "vitepress/theme-without-fonts";
import BrowserPage from "../../components/BrowserPage.vue";
import DigitsPage from "../../components/DigitsPage.vue";
import HomePage from "../../components/HomePage.vue";
import PathsPage from "../../components/PathsPage.vue";
import "./colours.css";
import "./site.css";
import "./home.css";
import "./live.css";
import "./paths.css";
import "./digits.css";

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component("BrowserPage", BrowserPage);
    app.component("DigitsPage", DigitsPage);
    app.component("HomePage", HomePage);
    app.component("PathsPage", PathsPage);
  },
} satisfies Theme;
