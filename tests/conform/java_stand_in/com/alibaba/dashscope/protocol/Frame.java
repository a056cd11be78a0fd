package com.alibaba.dashscope.protocol;

import com.google.gson.JsonObject;
import com.google.gson.annotations.SerializedName;

/** A frame of the server. */
final class Frame {
  Header header;
  JsonObject payload;

  static final class Header {
    String event;

    @SerializedName("task_id")
    String taskId;

    @SerializedName("error_code")
    String code;

    @SerializedName("error_message")
    String message;
  }
}
