package com.alibaba.dashscope.tokenizers;

import com.alibaba.dashscope.aigc.generation.GenerationParam;
import com.alibaba.dashscope.exception.InputRequiredException;
import com.alibaba.dashscope.exception.NoApiKeyException;
import com.alibaba.dashscope.protocol.HttpClient;
import com.alibaba.dashscope.utils.JsonUtils;

public final class Tokenization {
  public TokenizationResult call(GenerationParam param)
      throws NoApiKeyException, InputRequiredException {
    return JsonUtils.fromJsonObject(
        HttpClient.post("/tokenizer", param.apiKey(), param.body(false)),
        TokenizationResult.class);
  }
}
