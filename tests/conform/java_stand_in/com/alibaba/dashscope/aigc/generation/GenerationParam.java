package com.alibaba.dashscope.aigc.generation;

import com.alibaba.dashscope.common.History;
import com.alibaba.dashscope.common.Message;
import com.alibaba.dashscope.exception.InputRequiredException;
import com.alibaba.dashscope.utils.JsonUtils;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A request: messages win, then history with the prompt, then the prompt alone. */
public class GenerationParam {
  private final Map<String, Object> parameters = new LinkedHashMap<>();
  private final List<String> stopStrings = new ArrayList<>();
  private final List<List<Integer>> stopTokens = new ArrayList<>();
  private String apiKey;
  private String model;
  private String prompt;
  private List<Message> messages;
  private List<History> history;
  private Boolean incrementalOutput;

  public static GenerationParamBuilder<?, ?> builder() {
    return new Builder();
  }

  public String apiKey() {
    return apiKey != null ? apiKey : System.getenv("DASHSCOPE_API_KEY");
  }

  /** Whether pieces are wanted as one text after all, which the SDK puts together itself. */
  public boolean accumulated(boolean stream) {
    return stream && Boolean.FALSE.equals(incrementalOutput);
  }

  /** The body, key by key in the SDK's order; `parameters` are left out where there are none. */
  public JsonObject body(boolean stream, JsonObject... tasks) throws InputRequiredException {
    JsonObject body = new JsonObject();
    body.addProperty("model", model);
    for (JsonObject task : tasks) {
      task.entrySet().forEach(entry -> body.add(entry.getKey(), entry.getValue()));
    }
    body.add("input", input());
    Map<String, Object> all = new LinkedHashMap<>(parameters);
    if (!stopStrings.isEmpty()) {
      all.put("stop", stopStrings);
    } else if (!stopTokens.isEmpty()) {
      all.put("stop", stopTokens);
    }
    if (incrementalOutput != null) {
      all.put("incremental_output", accumulated(stream) || incrementalOutput);
    }
    if (!all.isEmpty()) {
      body.add("parameters", JsonUtils.toJsonObject(all));
    }
    return body;
  }

  private JsonObject input() throws InputRequiredException {
    Map<String, Object> input = new LinkedHashMap<>();
    if (messages != null && !messages.isEmpty()) {
      List<Message> all = new ArrayList<>(messages);
      if (prompt != null) {
        all.add(Message.user(prompt));
      }
      input.put("messages", all);
    } else if (prompt == null || prompt.isEmpty()) {
      throw new InputRequiredException();
    } else {
      input.put("prompt", prompt);
      if (history != null && !history.isEmpty()) {
        input.put("history", history);
      }
    }
    return JsonUtils.toJsonObject(input);
  }

  public abstract static class GenerationParamBuilder<
      C extends GenerationParam, B extends GenerationParamBuilder<C, B>> {
    protected final GenerationParam made = new GenerationParam();

    public abstract C build();

    protected abstract B self();

    public B apiKey(String apiKey) {
      made.apiKey = apiKey;
      return self();
    }

    public B model(String model) {
      made.model = model;
      return self();
    }

    public B prompt(String prompt) {
      made.prompt = prompt;
      return self();
    }

    public B messages(List<Message> messages) {
      made.messages = messages;
      return self();
    }

    public B history(List<History> history) {
      made.history = history;
      return self();
    }

    public B incrementalOutput(Boolean incrementalOutput) {
      made.incrementalOutput = incrementalOutput;
      return self();
    }

    public B stopString(String stopString) {
      made.stopStrings.add(stopString);
      return self();
    }

    public B stopToken(List<Integer> stopToken) {
      made.stopTokens.add(stopToken);
      return self();
    }

    public B resultFormat(String resultFormat) {
      return parameter("result_format", resultFormat);
    }

    public B temperature(Float temperature) {
      return parameter("temperature", temperature);
    }

    public B topP(Double topP) {
      return parameter("top_p", topP);
    }

    public B topK(Integer topK) {
      return parameter("top_k", topK);
    }

    public B seed(Integer seed) {
      return parameter("seed", seed);
    }

    public B maxTokens(Integer maxTokens) {
      return parameter("max_tokens", maxTokens);
    }

    public B parameter(String name, Object value) {
      made.parameters.put(name, value);
      return self();
    }
  }

  private static final class Builder extends GenerationParamBuilder<GenerationParam, Builder> {
    @Override
    public GenerationParam build() {
      return made;
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
