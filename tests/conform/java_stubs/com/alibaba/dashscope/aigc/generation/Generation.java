package com.alibaba.dashscope.aigc.generation;

import com.alibaba.dashscope.exception.InputRequiredException;
import com.alibaba.dashscope.exception.NoApiKeyException;
import io.reactivex.Flowable;

public final class Generation {
  public Generation() {}

  public Generation(String protocol) {}

  public GenerationResult call(GenerationParam param)
      throws NoApiKeyException, InputRequiredException {
    return null;
  }

  public Flowable<GenerationResult> streamCall(GenerationParam param)
      throws NoApiKeyException, InputRequiredException {
    return null;
  }
}
