package com.alibaba.dashscope.tokenizers;

import com.google.gson.annotations.SerializedName;
import java.util.List;

public class TokenizationResult {
  @SerializedName(value = "requestId", alternate = "request_id")
  public String requestId;

  public Output output;
  public Usage usage;

  public static final class Output {
    @SerializedName(value = "tokenIds", alternate = "token_ids")
    public List<Integer> tokenIds;

    public List<String> tokens;
    public String prompt;
  }

  public static final class Usage {
    @SerializedName("input_tokens")
    public Integer inputTokens;
  }
}
