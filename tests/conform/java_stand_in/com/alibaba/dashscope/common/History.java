package com.alibaba.dashscope.common;

public class History {
  public String user;
  public String bot;
}
