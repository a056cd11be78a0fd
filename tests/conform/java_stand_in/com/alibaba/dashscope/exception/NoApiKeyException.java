package com.alibaba.dashscope.exception;

public class NoApiKeyException extends Exception {
  public NoApiKeyException() {
    super("Can not find api-key.");
  }
}
