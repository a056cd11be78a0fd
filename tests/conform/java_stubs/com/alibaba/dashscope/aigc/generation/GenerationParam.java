package com.alibaba.dashscope.aigc.generation;

import com.alibaba.dashscope.common.History;
import com.alibaba.dashscope.common.Message;
import java.util.List;

public class GenerationParam {
  public static GenerationParamBuilder<?, ?> builder() {
    return null;
  }

  public abstract static class GenerationParamBuilder<
      C extends GenerationParam, B extends GenerationParamBuilder<C, B>> {
    public abstract C build();

    public abstract B apiKey(String apiKey);

    public abstract B model(String model);

    public abstract B prompt(String prompt);

    public abstract B messages(List<Message> messages);

    public abstract B history(List<History> history);

    public abstract B resultFormat(String resultFormat);

    public abstract B incrementalOutput(Boolean incrementalOutput);

    public abstract B temperature(Float temperature);

    public abstract B topP(Double topP);

    public abstract B topK(Integer topK);

    public abstract B seed(Integer seed);

    public abstract B maxTokens(Integer maxTokens);

    public abstract B stopString(String stopString);

    public abstract B stopToken(List<Integer> stopToken);

    public abstract B parameter(String name, Object value);
  }
}
