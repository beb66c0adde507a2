// The words of the trade, in the reader's language.

export const TRANSFER = {
  requested: "已请求",
  ringing: "振铃",
  briefing: "沟通",
  consulting: "咨询中",
  three_way: "三方",
  released: "已释放",
  completed: "已完成",
  returned_to_agent: "已退回坐席",
  returned_to_queue: "已退回队列",
  cancelled: "已取消",
  caller_gone: "来电人已挂断",
};
/** Asked for again because a place of the link gave nobody. */
export const NEXT_PLACE = "改呼下一处";
export const TRANSFER_PATH = ["requested", "ringing", "briefing", "three_way", "released", "completed"];
export const CONSULT_PATH = ["requested", "ringing", "briefing", "consulting", "three_way", "released", "completed"];
export const FAILED = new Set(["returned_to_agent", "returned_to_queue", "cancelled", "caller_gone"]);
export const KIND = { one_key: "一键转接", three_way: "三方通话", consult: "咨询" };
export const REASON = {
  busy: "对方忙",
  no_answer: "无人接听",
  rejected: "对方拒接",
  unreachable: "线路不通",
  target_left: "对方离开",
  switch_error: "交换机错误",
};
export const LEG = { ringing: "振铃中", talking: "通话中", in_room: "会议中", aside: "咨询中", on_hold: "听音乐等待", ended: "已离开" };
export const URGENCY = { emergency: "特急", urgent: "紧急", normal: "一般" };
export const TICKET = { queued: "待发送", delivered: "已送达", retrying: "重试中", dead: "死信" };
export const PHASE = { preliminary: "初报", final: "终报" };
export const DECISION = { accepted: "已接受", changed: "已更改", ignored: "已忽略" };
export const STATUS = { Actual: "", Exercise: "演练", Test: "测试" };
export const ROLE = { operator: "坐席", supervisor: "督导", admin: "管理员", system: "系统" };
export const END = {
  caller_hung_up: "来电人挂机",
  last_agent_left: "坐席挂机",
  abandoned: "未接通",
  lost: "来电人掉线",
  switch: "交换机结束",
};
export const CALLBACK = { caller_gone: "接通前挂断", queue_left: "排队中挂断" };
export const OUTCOME = { reached: "已联系上", not_reached: "未联系上", not_needed: "无需回拨" };
export const OWNER = { accepted: "三方商定", first_answer: "未达成一致，首接负责", designated: "督导指定" };
export const CONNECTION = { live: "● 实时", retrying: "↻ 重连中" };

/** What a refused request means, by the problem's slug. */
export const PROBLEM = {
  "illegal-verb": "现在不能这样做：通话状态已变化",
  "designation-needed": "来电已多次移交，须由督导指定受理单位；请继续接待来电人",
  "callback-not-yours": "该回拨任务已由他人领取或已结束",
  "callback-not-found": "该回拨任务不存在",
  "not-allowed": "没有此项权限，或您的坐席不在这个通话上",
  "call-not-found": "通话已不存在",
  "switch-unreachable": "电话交换机连接中断，请用话机按键操作",
  "switch-timeout": "交换机没有回应，结果未知，请看通话状态",
  "switch-refused": "交换机拒绝了这个操作",
  "still-in-progress": "上一次请求还在处理",
  "too-many-attempts": "尝试次数过多，请一分钟后再试",
  "not-authenticated": "令牌无效",
  ledger: "台账暂不可用，未能完成",
  network: "网络不通",
};

export const problemText = (slug) => PROBLEM[slug] ?? `操作未完成（${slug}）`;

export function centreName(setup, code) {
  return setup?.centres.find((centre) => centre.code === code)?.name ?? "";
}

export function platformText(setup, code) {
  if (code === "guide") return "引导解释";
  return withCode(code, centreName(setup, code));
}

/** 110 公安报警; a name that begins with its number stands alone. */
export const withCode = (code, name) => (name.startsWith(code) ? name : `${code} ${name}`.trim());

/** 65 seconds -> "1:05". */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${parts.join(":")}` : parts.join(":");
}

export function clockTime(iso) {
  return iso ? new Date(iso).toLocaleTimeString("zh-CN", { hour12: false }) : "";
}
