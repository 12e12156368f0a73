// Registers the review with the App, which shows it where the panel asks for it by name.
import { Review } from "./review.jsx";

const { PluginComponentType, registerComponent } = window.__fop__;

registerComponent({
  name: "WinnowReview",
  label: "Winnow review",
  component: Review,
  type: PluginComponentType.Component,
  activator: () => true,
});
