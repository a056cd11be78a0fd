package com.alibaba.dashscope.tokenizers;

import com.alibaba.dashscope.aigc.generation.GenerationParam;
import com.alibaba.dashscope.exception.InputRequiredException;
import com.alibaba.dashscope.exception.NoApiKeyException;

public final class Tokenization {
  public TokenizationResult call(GenerationParam param)
      throws NoApiKeyException, InputRequiredException {
    return null;
  }
}
