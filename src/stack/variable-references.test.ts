// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Compose files look like this
import { describe, expect, it } from "vitest";
import { variableReferences } from "./variable-references.ts";

const of = (text: string) =>
  variableReferences({ "/srv/compose.yaml": text, "/srv/.env": "NOT=$THIS" }).map(
    ({ name, required, hasDefault, services }) =>
      `${name}${required ? " required" : ""}${hasDefault ? " default" : ""} ${services.join(",")}`.trim(),
  );

describe("variables that Compose files ask for (R-097, R-100)", () => {
  it.each([
    ["services: {web: {image: 'a:$TAG'}}", ["TAG web"]],
    ["services: {web: {image: 'a:${TAG:-1}'}}", ["TAG default web"]],
    ["services: {web: {image: 'a:${TAG-}'}}", ["TAG default web"]],
    ["services: {web: {image: 'a:${TAG:?which}'}}", ["TAG required web"]],
    ["services: {web: {image: 'a:${TAG:+x}'}}", ["TAG default web"]],
    ["services: {web: {image: 'a:${A:-${B:?no}}'}}", ["A default web", "B required web"]],
    ["services: {web: {command: 'echo $$HOME'}}", []],
    ["services: {web: {environment: [A, B=1, 'C=$D']}}", ["A default web", "D web"]],
    ["services: {web: {environment: {A: , B: x}}}", ["A default web"]],
    ["services: {web: {image: '$A'}, api: {image: '${A:-1}'}}", ["A web,api"]],
    ["services: {web: {image: '${A:-1}'}, api: {image: '${A:?}'}}", ["A required web,api"]],
    ["x-base: &base {image: '$A'}\nservices: {web: *base}", ["A web"]],
    ["networks: {n: {name: '$N'}}", ["N"]],
    ["services: [", []],
  ])("%s", (text, expected) => {
    expect(of(text)).toEqual(expected);
  });
});
