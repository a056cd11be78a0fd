package com.alibaba.dashscope.exception;

public class InputRequiredException extends Exception {
  public InputRequiredException() {
    super("prompt or messages are required.");
  }
}
