package com.alibaba.dashscope.aigc.generation;

import java.util.HashMap;
import java.util.Map;

/** Pieces put together again, choice by choice. */
final class Accumulation {
  private final StringBuilder text = new StringBuilder();
  private final Map<Integer, StringBuilder> contents = new HashMap<>();

  GenerationResult with(GenerationResult piece) {
    if (piece.output.choices == null) {
      piece.output.text = text.append(piece.output.text).toString();
      return piece;
    }
    for (GenerationResult.Choice choice : piece.output.choices) {
      int index = choice.index == null ? 0 : choice.index;
      StringBuilder so = contents.computeIfAbsent(index, first -> new StringBuilder());
      choice.message.content = so.append(choice.message.content).toString();
    }
    return piece;
  }
}
