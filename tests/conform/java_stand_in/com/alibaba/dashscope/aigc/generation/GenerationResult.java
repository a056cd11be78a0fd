package com.alibaba.dashscope.aigc.generation;

import com.alibaba.dashscope.common.Message;
import com.alibaba.dashscope.utils.JsonUtils;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.annotations.SerializedName;
import java.util.List;

/** A reply in the SDK's types; what is of another type fails as it does there. */
public final class GenerationResult {
  public String requestId;
  public Usage usage;
  public Output output;

  @SerializedName("status_code")
  public int statusCode = 200;

  public String code = "";
  public String message = "";

  public static final class Usage {
    @SerializedName("input_tokens")
    public Integer inputTokens;

    @SerializedName("output_tokens")
    public Integer outputTokens;

    @SerializedName("total_tokens")
    public Integer totalTokens;
  }

  public static final class Output {
    public String text;

    @SerializedName("finish_reason")
    public String finishReason;

    public List<Choice> choices;
  }

  public static final class Choice {
    @SerializedName("finish_reason")
    public String finishReason;

    public Integer index;
    public Message message;
    public JsonObject logprobs;
  }

  /** Of a body, or of a frame's payload whose request id stands elsewhere. */
  public static GenerationResult read(JsonObject json, String requestId) {
    GenerationResult result = new GenerationResult();
    result.requestId = requestId;
    JsonElement usage = json.get("usage");
    if (usage != null && !usage.isJsonNull()) {
      result.usage = JsonUtils.fromJsonObject(usage.getAsJsonObject(), Usage.class);
    }
    JsonElement output = json.get("output");
    if (output != null && !output.isJsonNull()) {
      result.output = JsonUtils.fromJsonObject((JsonObject) output, Output.class);
    }
    return result;
  }
}
