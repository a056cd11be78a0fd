package com.alibaba.dashscope.common;

import com.google.gson.annotations.SerializedName;
import java.util.List;

/** What the SDK keeps of a message, and no more. */
public class Message {
  public String role;
  public String content;

  @SerializedName("reasoning_content")
  public String reasoningContent;

  @SerializedName("tool_calls")
  public List<ToolCall> toolCalls;

  @SerializedName("tool_call_id")
  public String toolCallId;

  public String name;

  public static class ToolCall {
    public Integer index;
    public String id;
    public String type;
    public Function function;
  }

  public static class Function {
    public String name;
    public String arguments;
  }

  public static Message user(String content) {
    Message message = new Message();
    message.role = "user";
    message.content = content;
    return message;
  }
}
