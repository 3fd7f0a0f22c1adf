// Stands in for what the theme can do and this site does not use. A comment in the page, on the server and in browsers alike.
import { defineComponent } from "vue";

export default defineComponent({ inheritAttrs: false, setup: () => () => null });
